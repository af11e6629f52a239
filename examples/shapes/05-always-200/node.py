"""Key and value are in the query. Every write is answered with 200, and `success` tells whether it has its quorum. A
read answers with the bare value. W is set by `POST /config`; followers are separated by semicolons."""

import os
import sys
import threading

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lab

FOLLOWERS = lab.followers(";")
DELAY = lab.delay("MIN_DELAY_MS", "MAX_DELAY_MS", 0.001)
store, versions = {}, {}
quorum = 1
lock = threading.Lock()


def write(key, value):
    needed = quorum
    with lock:
        store[key] = value
        version = versions[key] = versions.get(key, 0) + 1
    send = lambda url: lab.post(f"{url}/replicate", {"key": key, "value": value, "version": version})
    acks = lab.replicate(FOLLOWERS, DELAY, send, needed)
    return 200, {"success": acks >= needed, "confirmations": acks}


def apply(key, value, version):
    with lock:
        store[key], versions[key] = value, version
    return 200, {"success": True}


def answer(request):
    global quorum
    match (request.method, *request.path):
        case ("POST", "set") if lab.LEADER:
            return write(request.query["key"], request.query["value"])
        case ("POST", "config") if lab.LEADER:
            quorum = int(request.body["writeQuorum"])
            return 200, {"writeQuorum": quorum}
        case ("POST", "replicate"):
            return apply(**request.body)
        case ("GET", "get", key) if key in store:
            return 200, store[key]
        case ("GET", "dump"):
            return 200, store
        case ("GET", "dump-versions"):
            return 200, versions
    return 404, ""


lab.serve(answer)
