"""Delays are in seconds. A write that missed its quorum is a 200 with `"status": "partial_success"`."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lab

FOLLOWERS = lab.followers()
QUORUM = int(os.environ.get("WRITE_QUORUM", "1"))
DELAY = lab.delay("MIN_DELAY", "MAX_DELAY", 1)
store = {}


def write(key, value):
    store[key] = value
    acks = lab.replicate(FOLLOWERS, DELAY, lambda url: lab.post(f"{url}/replicate", {"key": key, "value": value}), QUORUM)
    return 200, {"status": "success" if acks >= QUORUM else "partial_success", "replicated": acks}


def answer(request):
    match (request.method, *request.path):
        case ("POST", "write") if lab.LEADER:
            return write(request.body["key"], request.body["value"])
        case ("POST", "replicate"):
            store[request.body["key"]] = request.body["value"]
            return 200, {"status": "success"}
        case ("GET", "read") if request.query.get("key") in store:
            return 200, {"value": store[request.query["key"]]}
        case ("GET", "data"):
            return 200, store
    return 404, {"error": "key not found"}


lab.serve(answer)
