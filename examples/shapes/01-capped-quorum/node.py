"""A quorum above the number of followers is capped without a word: W = 6 acts as 5. A missed quorum is a 500."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lab

FOLLOWERS = lab.followers()
QUORUM = min(int(os.environ.get("WRITE_QUORUM", "1")), len(FOLLOWERS))
DELAY = lab.delay("MIN_DELAY_MS", "MAX_DELAY_MS", 0.001)
store = {}


def write(key, value):
    store[key] = value
    send = lambda url: lab.post(f"{url}/replicate/{key}", {"value": value})
    acks = lab.replicate(FOLLOWERS, DELAY, send, QUORUM)
    if acks < QUORUM:
        return 500, {"detail": f"only {acks} of {QUORUM} followers have it"}
    return 200, {"key": key, "acks": acks}


def answer(request):
    match (request.method, *request.path):
        case ("PUT", "kv", key) if lab.LEADER:
            return write(key, request.body["value"])
        case ("POST", "replicate", key):
            store[key] = request.body["value"]
            return 200, {"ok": True}
        case ("GET", "kv", key) if key in store:
            return 200, {"key": key, "value": store[key]}
        case ("GET", "debug", "store"):
            return 200, {"role": os.environ.get("ROLE", "leader"), "store": store}
    return 404, {"detail": "Not Found"}


lab.serve(answer)
