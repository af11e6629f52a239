"""Each follower has one delay that never changes, in seconds, and sleeps that long before it applies a write."""

import os
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lab

FOLLOWERS = lab.followers()
QUORUM = int(os.environ.get("WRITE_QUORUM", "1"))
DELAY_S = float(os.environ.get("REPLICATION_DELAY", "0"))
store = {}


def write(key, value):
    store[key] = value
    send = lambda url: lab.post(f"{url}/replicate", {"key": key, "value": value})
    acks = lab.replicate(FOLLOWERS, lambda _follower: 0, send, QUORUM)
    return (200 if acks >= QUORUM else 500), {"acks": acks}


def answer(request):
    match (request.method, *request.path):
        case ("POST", "set") if lab.LEADER:
            return write(request.body["key"], request.body["value"])
        case ("POST", "replicate"):
            time.sleep(DELAY_S)
            store[request.body["key"]] = request.body["value"]
            return 200, {"ok": True}
        case ("GET", "get", key) if key in store:
            return 200, {"value": store[key]}
        case ("GET", "all"):
            return 200, {"data": store}
    return 404, {"error": "not found"}


lab.serve(answer)
