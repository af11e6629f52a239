"""A leader or a follower with the lab's interface, which misbehaves as BAD says. Usage: node.py PORT"""
import json, os, signal, sys, threading, time, urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

role, bad, port = os.environ["ROLE"], os.environ.get("BAD", ""), int(sys.argv[1])
followers = [url for url in os.environ.get("FOLLOWERS", "").split(",") if url]
if role == "follower" and followers and "PORT" in os.environ:
    sys.exit("the preset gives followers to a follower")
state = {"quorum": int(os.environ.get("WRITE_QUORUM") or 0), "writes": 0}
store, messages, lock, pool = {}, [], threading.Lock(), ThreadPoolExecutor(32)


def copy(url, data):
    request = urllib.request.Request(url + "/replicate", json.dumps(data).encode(), method="POST")
    return urllib.request.urlopen(request, timeout=5).status


class Node(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def log_message(self, *_):
        if bad == "noisy":
            print("x" * 100_000, flush=True)

    def answer(self, status, data, kind="application/json", headers=()):
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        for name, value in [("content-type", kind), ("content-length", str(len(body))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def misbehaves(self, is_write):
        if bad == "gate" and is_write and state["writes"] > 5:
            # Until the follower was told the quorum a second time.
            while len(open("told-follower").readlines()) < 2:
                time.sleep(0.02)
            return False
        if bad == "hang" and is_write:
            time.sleep(1000)
        elif bad == "html":
            self.answer(200, b"<!DOCTYPE html><h1>It works!</h1>", "text/html")
        elif bad == "everything":
            self.answer(200, {"status": "ok"})
        elif bad == "redirect":
            self.answer(307, b"", headers=[("location", "/elsewhere")])
        elif bad in ("stream", "drip") and (is_write or self.path == "/debug/store"):
            self.send_response(200)
            self.send_header("content-length", str(10**12))
            self.end_headers()
            piece = b"x" * 65536 if bad == "stream" else b"x"
            try:
                while True:
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(0 if bad == "stream" else 0.2)
            except OSError:
                self.close_connection = True
        elif bad == "broken" and is_write:
            self.close_connection = True
        elif bad == "large" and self.path == "/debug/store":
            self.answer(200, b'{"store":{"k0":"' + b"x" * 100_000_000 + b'"}}')
        elif bad == "crash" and is_write and state["writes"] > 5:
            os._exit(7)
        else:
            return False
        return True

    def do_GET(self):
        if self.misbehaves(False):
            return
        if self.path == "/debug/store":
            return self.answer(200, {"role": role, "store": dict(store)})
        if self.path == "/messages":
            return self.answer(200, list(messages))
        key = self.path.removeprefix("/kv/")
        self.answer(*((200, {"value": store[key]}) if key in store else (404, {"error": "no such key"})))

    def do_POST(self):
        data = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/config":
            state["quorum"] = data["quorum"] - 1
            with open(f"told-{role}", "a") as file:
                print(data["quorum"], file=file)
        elif self.path == "/reset":
            store.clear()
        elif self.path == "/messages":
            return self.write(data["message"], data["message"], data["w"] - 1)
        else:
            with lock:
                store[data["key"]] = data["value"]
                messages.append(data["value"])
        self.answer(200, {"ok": True})

    def do_PUT(self):
        value = json.loads(self.rfile.read(int(self.headers["content-length"])))["value"]
        state["writes"] += 1
        if not self.misbehaves(True):
            self.write(self.path.removeprefix("/kv/"), value, state["quorum"])

    def write(self, key, value, quorum):
        with lock:
            store[key] = value
            messages.append(value)
        copies, done = [], threading.Semaphore(0)
        for follower in followers:
            copies.append(pool.submit(copy, follower, {"key": key, "value": value}))
            copies[-1].add_done_callback(lambda _: done.release())
        for _ in range(min(quorum, len(followers))):
            done.acquire()
        if quorum > len(followers):
            return self.answer(200, {"status": "partial_success"})
        self.answer(200, {"status": "success", "version": state["writes"]})


if bad == "slow":
    time.sleep(3)
if bad == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if bad == "forks" and os.fork() == 0:
    os.setsid()
    time.sleep(1000)
    os._exit(0)
if bad == "elsewhere":
    port = 0
ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer((os.environ.get("HOST", "127.0.0.1"), port), Node).serve_forever()
