"""A key-value store with one leader and five followers: the lab of chapter 5, as one would write it first.

Every node runs this file; the variable ROLE says which it is.
"""

import asyncio
import os
import random

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

ROLE = os.environ.get("ROLE", "leader")
FOLLOWERS = [url for url in os.environ.get("FOLLOWERS", "").split(",") if url]
WRITE_QUORUM = int(os.environ.get("WRITE_QUORUM", "1"))
MIN_DELAY_MS = float(os.environ.get("MIN_DELAY_MS", "0"))
MAX_DELAY_MS = float(os.environ.get("MAX_DELAY_MS", "1000"))
REPLICATION_TIMEOUT_S = float(os.environ.get("REPLICATION_TIMEOUT_S", "2"))
GLOBAL_REQUEST_TIMEOUT_S = float(os.environ.get("GLOBAL_REQUEST_TIMEOUT_S", "5"))

app = FastAPI()
store: dict[str, str] = {}
client = httpx.AsyncClient(timeout=REPLICATION_TIMEOUT_S)


class Value(BaseModel):
    value: str


@app.get("/health")
async def health():
    return {"status": "ok", "role": ROLE}


@app.get("/kv/{key}")
async def read(key: str):
    if key not in store:
        raise HTTPException(404, f"no such key: {key}")
    return {"key": key, "value": store[key]}


@app.get("/debug/store")
async def debug_store():
    return {"role": ROLE, "store": store}


@app.put("/kv/{key}")
async def write(key: str, body: Value):
    if ROLE != "leader":
        raise HTTPException(403, "only the leader takes writes")
    store[key] = body.value
    copies = [asyncio.create_task(replicate(url, key, body.value)) for url in FOLLOWERS]
    try:
        acks = await asyncio.wait_for(quorum(copies), GLOBAL_REQUEST_TIMEOUT_S)
    except asyncio.TimeoutError:
        raise HTTPException(504, "the followers took too long")
    if acks < WRITE_QUORUM:
        raise HTTPException(503, f"{acks} of {WRITE_QUORUM} followers acknowledged")
    return {"key": key, "acks": acks}


async def quorum(copies):
    """Waits until enough followers have acknowledged; the other copies go on."""
    acks = 0
    for copy in asyncio.as_completed(copies):
        acks += await copy
        if acks >= WRITE_QUORUM:
            break
    return acks


async def replicate(url: str, key: str, value: str) -> bool:
    await asyncio.sleep(random.uniform(MIN_DELAY_MS, MAX_DELAY_MS) / 1000)
    try:
        answer = await client.post(f"{url}/replicate/{key}", json={"value": value})
        return answer.status_code == 200
    except httpx.HTTPError:
        return False


@app.post("/replicate/{key}")
async def apply(key: str, body: Value):
    store[key] = body.value
    return {"ok": True}


if __name__ == "__main__":
    uvicorn.run(app, host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ.get("PORT", "8080")), log_level="warning")
