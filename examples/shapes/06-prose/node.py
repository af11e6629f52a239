"""Any method writes: `/{key}/{value}`, and the answer is an empty 200 whatever happened. A read answers in prose. Only
followers tell what they hold, at `/check`."""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import lab

FOLLOWERS = lab.followers()
QUORUM = int(os.environ.get("QUORUM", "1"))
DELAY = lab.delay("DELAY_FROM", "DELAY_TO", 0.001)
store = {}


def answer(request):
    match request.path:
        case ["check"] if not lab.LEADER:
            return 200, store
        case ["replicate"]:
            store[request.body["key"]] = request.body["value"]
            return 200, ""
        case [key] if request.method == "GET":
            return 200, f"the value of {key} is {store[key]}" if key in store else f"no value for {key}"
        case [key, value] if lab.LEADER:
            store[key] = value
            lab.replicate(FOLLOWERS, DELAY, lambda url: lab.post(f"{url}/replicate", {"key": key, "value": value}), QUORUM)
            return 200, ""
    return 404, ""


lab.serve(answer)
