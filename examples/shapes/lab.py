"""What the stubs in this folder share: an HTTP server, and a leader's way of sending a write to its followers.

Routes, answers, variables and quorum rules differ from lab to lab: they are in each node.py.
"""

import http.client
import json
import os
import random
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

LEADER = os.environ.get("ROLE", "leader") == "leader"


def followers(separator=","):
    """The followers' addresses, as FOLLOWERS lists them."""
    return [url for url in os.environ.get("FOLLOWERS", "").split(separator) if url]


def delay(low, high, unit_s):
    """Draws a delay between two variables for each copy, in seconds; they are in units of `unit_s` seconds."""
    low, high = float(os.environ.get(low, 0)), float(os.environ.get(high, 0))
    return lambda _follower: random.uniform(low, high) * unit_s


def post(url, body):
    """Sends `body` as JSON; True if the answer is 200."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=5)
    try:
        connection.request("POST", address.path, json.dumps(body), {"content-type": "application/json"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def replicate(targets, delay_of, send, needed, cancel=False):
    """Sends to every follower after its delay, each in a thread. Returns how many had acknowledged once
    `needed` had, or once all were through. With `cancel` those that still wait for their delay are given up."""
    changed, enough, acks, ended = threading.Condition(), threading.Event(), 0, 0

    def copy(target):
        nonlocal acks, ended
        acknowledged = not enough.wait(delay_of(target)) and send(target)
        with changed:
            acks, ended = acks + acknowledged, ended + 1
            changed.notify_all()

    for target in targets:
        threading.Thread(target=copy, args=(target,), daemon=True).start()
    with changed:
        changed.wait_for(lambda: acks >= needed or ended == len(targets))
        if cancel:
            enough.set()
        return acks


class Request:
    """What a client asks: `path` is a list of its parts, `query` and `body` are dictionaries."""

    def __init__(self, handler):
        url = urlsplit(handler.path)
        self.method = handler.command
        self.path = [unquote(part) for part in url.path.split("/")[1:]]
        self.query = {name: values[0] for name, values in parse_qs(url.query).items()}
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        self.body = json.loads(body) if body else {}


def serve(answer):
    """Serves on the port that is the first argument. `answer(request)` returns a status, and a body: JSON, or a text."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def reply(self):
            status, body = answer(Request(self))
            kind = "text/plain" if isinstance(body, str) else "application/json"
            payload = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = reply

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
