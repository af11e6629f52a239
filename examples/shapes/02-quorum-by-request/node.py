"""W is set by a request to the running leader. Once a write has its quorum, the copies still waiting are cancelled.
A key that is unknown reads as null."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lab

FOLLOWERS = lab.followers()
DELAY = lab.delay("MIN_DELAY_MS", "MAX_DELAY_MS", 0.001)
store = {}
quorum = 1


def write(key, value):
    needed = quorum
    store[key] = value
    send = lambda url: lab.post(f"{url}/replicate", {"key": key, "value": value})
    acks = lab.replicate(FOLLOWERS, DELAY, send, needed, cancel=True)
    return (200, {"ok": True}) if acks >= needed else (503, {"detail": "quorum not reached"})


def answer(request):
    global quorum
    match (request.method, *request.path):
        case ("PUT", "kv", key) if lab.LEADER:
            return write(key, request.body["value"])
        case ("POST", "admin", "quorum") if lab.LEADER:
            quorum = int(request.body["quorum"])
            return 200, {"quorum": quorum}
        case ("POST", "replicate"):
            store[request.body["key"]] = request.body["value"]
            return 200, {"ok": True}
        case ("GET", "kv", key):
            return 200, store.get(key)
        case ("GET", "dump"):
            return 200, store
    return 404, {"detail": "Not Found"}


lab.serve(answer)
