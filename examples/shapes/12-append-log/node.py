"""A log, not a store: `POST /` appends a message, `GET /` lists them all, and their order is the state. Each message
says its own W, and the leader counts itself."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lab

FOLLOWERS = lab.followers()
DELAY = lab.delay("MIN_DELAY_MS", "MAX_DELAY_MS", 0.001)
messages = []


def append(message, w):
    messages.append(message)
    acks = 1 + lab.replicate(FOLLOWERS, DELAY, lambda url: lab.post(f"{url}/replicate", {"message": message}), w - 1)
    return (200, {"acks": acks}) if acks >= w else (503, {"error": "write concern not met"})


def answer(request):
    match (request.method, *request.path):
        case ("POST", "") if lab.LEADER:
            return append(request.body["message"], int(request.body.get("w", 1)))
        case ("POST", "replicate"):
            messages.append(request.body["message"])
            return 200, {"ok": True}
        case ("GET", ""):
            return 200, messages
    return 404, {"error": "not found"}


lab.serve(answer)
