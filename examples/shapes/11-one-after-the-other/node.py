"""The leader counts itself, and sends to one follower after the other, 200 ms each, until W have the write. The others
never get it. Nothing can be dumped."""

import os
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lab

FOLLOWERS = lab.followers()
QUORUM = int(os.environ.get("W", "1"))
DELAY_S = 0.2
store = {}


def write(key, value):
    store[key] = value
    acks = 1
    for url in FOLLOWERS:
        if acks >= QUORUM:
            break
        time.sleep(DELAY_S)
        acks += lab.post(f"{url}/replicate", {"key": key, "value": value})
    return (201, {"acks": acks}) if acks >= QUORUM else (500, {"error": "not enough followers"})


def answer(request):
    match (request.method, *request.path):
        case ("POST", "set") if lab.LEADER:
            return write(request.body["key"], request.body["value"])
        case ("POST", "replicate"):
            store[request.body["key"]] = request.body["value"]
            return 200, {"ok": True}
        case ("GET", "local_read", key) if key in store:
            return 200, {"value": store[key]}
    return 404, {"error": "not found"}


lab.serve(answer)
