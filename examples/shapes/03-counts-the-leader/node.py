"""The leader counts itself: with a quorum of 1 no follower has to answer, and 3 means two followers."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lab

FOLLOWERS = lab.followers()
QUORUM = int(os.environ.get("WRITE_QUORUM", "1"))
DELAY = lab.delay("MIN_DELAY_MS", "MAX_DELAY_MS", 0.001)
store = {}


def write(key, value):
    store[key] = value
    send = lambda url: lab.post(f"{url}/replicate", {"key": key, "value": value})
    acks = 1 + lab.replicate(FOLLOWERS, DELAY, send, QUORUM - 1)
    return (200, {"acks": acks}) if acks >= QUORUM else (503, {"error": "quorum not met", "acks": acks})


def answer(request):
    match (request.method, *request.path):
        case ("PUT", "kv", key) if lab.LEADER:
            return write(key, request.body["value"])
        case ("POST", "replicate"):
            store[request.body["key"]] = request.body["value"]
            return 200, {"ok": True}
        case ("GET", "kv", key) if key in store:
            return 200, {"value": store[key]}
        case ("GET", "dump"):
            return 200, store
    return 404, {"error": "not found"}


lab.serve(answer)
