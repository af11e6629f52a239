"""Every value has a version, and followers keep the newest. `GET /kv` tells everything; `POST /reset` forgets it."""

import os
import sys
import threading

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lab

FOLLOWERS = lab.followers()
QUORUM = int(os.environ.get("WRITE_QUORUM", "1"))
DELAY = lab.delay("MIN_DELAY_MS", "MAX_DELAY_MS", 0.001)
store = {}
lock = threading.Lock()


def write(key, value):
    with lock:
        version = store.get(key, {"version": 0})["version"] + 1
        store[key] = {"value": value, "version": version}
    send = lambda url: lab.post(f"{url}/replicate/{key}", {"value": value, "version": version})
    acks = lab.replicate(FOLLOWERS, DELAY, send, QUORUM)
    return (200 if acks >= QUORUM else 503), {"version": version, "acks": acks}


def apply(key, entry):
    with lock:
        if entry["version"] > store.get(key, {"version": 0})["version"]:
            store[key] = entry
    return 200, {"ok": True}


def answer(request):
    match (request.method, *request.path):
        case ("PUT", "kv", key) if lab.LEADER:
            return write(key, request.body["value"])
        case ("POST", "replicate", key):
            return apply(key, request.body)
        case ("POST", "reset"):
            store.clear()
            return 200, {"ok": True}
        case ("GET", "kv", key) if key in store:
            return 200, store[key]
        case ("GET", "kv"):
            return 200, store
    return 404, {"error": "not found"}


lab.serve(answer)
