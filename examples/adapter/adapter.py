"""An adapter to a store of SQLite files, one for each node: threads copy each write to the followers, after a delay."""
import json, os, random, sqlite3, sys, threading, time
from contextlib import closing

PUT = "INSERT OR REPLACE INTO kv VALUES (?, ?)"

def run(node, statement, *values):
    with closing(sqlite3.connect(f"store/{node}.db", timeout=10, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        return database.execute(statement, values).fetchall()

def copy(follower, key, value, copied):
    delay, draw = hello["delays"][follower]["write"], random.Random(f"{hello['seed']} {value} {follower}")
    time.sleep(draw.uniform(delay["min_ms"], delay["max_ms"]) / 1000)
    run(follower, PUT, key, value)
    copied.release()

def write(key, value, quorum):
    run("leader", PUT, key, value)
    copied = threading.Semaphore(0)
    for follower in hello["nodes"][1:]:
        threading.Thread(target=copy, args=(follower, key, value, copied)).start()
    in_time = all(copied.acquire(timeout=hello["request_timeout_s"]) for _ in range(quorum))
    return {"outcome": "ok"} if in_time else {"outcome": "failed", "error": f"fewer than {quorum} copies in time"}

def answer(request):
    op, node = request["op"], request.get("node")
    if op == "hello":
        hello.update(request)
        return {"protocol": 1, "version": f"SQLite {sqlite3.sqlite_version}"}
    if op == "prepare":
        os.makedirs("store", exist_ok=True)
        for node in hello["nodes"]:
            run(node, "DROP TABLE IF EXISTS kv")
            run(node, "CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT)")
    if op == "write":
        return write(request["key"], request["value"], request["quorum"])
    if op == "read":
        return {"value": next((row[0] for row in run(node, "SELECT value FROM kv WHERE key = ?", request["key"])), None)}
    if op == "dump":
        return {"entries": [{"key": key, "value": value} for key, value in run(node, "SELECT key, value FROM kv")]}
    return {}  # ready

hello = {}
for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = answer(request)
    except Exception as error:
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"id": request["id"], **reply}), flush=True)
