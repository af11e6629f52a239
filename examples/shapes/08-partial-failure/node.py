"""Delays are in seconds, and copies that still wait are cancelled at the quorum. A write that missed it is a 200 with
`"status": "partial_failure"`. Values and versions are dumped side by side."""

import os
import sys
import threading

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lab

FOLLOWERS = lab.followers()
QUORUM = int(os.environ.get("WRITE_QUORUM", "1"))
DELAY = lab.delay("MIN_DELAY", "MAX_DELAY", 1)
data, versions = {}, {}
lock = threading.Lock()


def write(key, value):
    with lock:
        data[key] = value
        version = versions[key] = versions.get(key, 0) + 1
    send = lambda url: lab.post(f"{url}/replicate", {"key": key, "value": value, "version": version})
    acks = lab.replicate(FOLLOWERS, DELAY, send, QUORUM, cancel=True)
    return 200, {"status": "success" if acks >= QUORUM else "partial_failure", "version": version, "acks": acks}


def apply(key, value, version):
    with lock:
        if version > versions.get(key, 0):
            data[key], versions[key] = value, version
    return 200, {"status": "success"}


def answer(request):
    match (request.method, *request.path):
        case ("POST", "write") if lab.LEADER:
            return write(request.body["key"], request.body["value"])
        case ("POST", "replicate"):
            return apply(**request.body)
        case ("GET", "read", key) if key in data:
            return 200, {"value": data[key], "version": versions[key]}
        case ("GET", "data"):
            with lock:
                return 200, {"data": dict(data), "versions": dict(versions)}
    return 404, {"detail": "Not Found"}


lab.serve(answer)
