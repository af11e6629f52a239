"""Each write says its own W, in the query. At the quorum the copies that still wait are cancelled."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lab

FOLLOWERS = lab.followers()
DELAY = lab.delay("MIN_DELAY_MS", "MAX_DELAY_MS", 0.001)
store = {}


def write(key, value, quorum):
    store[key] = value
    send = lambda url: lab.post(f"{url}/replicate", {"key": key, "value": value})
    acks = lab.replicate(FOLLOWERS, DELAY, send, quorum, cancel=True)
    return (200, {"acks": acks}) if acks >= quorum else (503, {"detail": f"{acks} of {quorum} acknowledgements"})


def answer(request):
    match (request.method, *request.path):
        case ("POST", "write") if lab.LEADER:
            return write(request.body["key"], request.body["value"], int(request.query.get("write_quorum", 1)))
        case ("POST", "replicate"):
            store[request.body["key"]] = request.body["value"]
            return 200, {"ok": True}
        case ("GET", "kv", key) if key in store:
            return 200, {"key": key, "value": store[key]}
        case ("GET", "debug", "store"):
            return 200, {"store": store, "size": len(store)}
    return 404, {"detail": "Not Found"}


lab.serve(answer)
