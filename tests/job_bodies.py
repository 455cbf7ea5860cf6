"""Jobs for tests: trainings of a given length, and what they must come to however often they are disturbed."""

from functools import cache
from hashlib import sha256

import numpy as np
import orjson

from service.jobs.attempts import Attempt
from service.jobs.processes import Child
from service.jobs.store import Submission

MEMORY = 2**31
RNG = np.random.default_rng(7)
INPUTS, LABELS = RNG.standard_normal((60, 6)).round(3).tolist(), RNG.standard_normal((60, 1)).round(3).tolist()


def training(epochs, seed=1, **more):
    """Some 5,000 epochs a second on an idle core."""
    return {
        "network": {
            "layers": [
                {"units": 8, "init": {"kind": "he", "seed": seed}, "bias": True, "activation": "tanh"},
                {"units": 1, "bias": True, "activation": "identity"},
            ],
            "loss": "squared_error",
        },
        "inputs": INPUTS,
        "labels": LABELS,
        "optimizer": {"kind": "adam", "learning_rate": 0.001},
        "epochs": epochs,
        "batch_size": 20,
        "shuffle": True,
        **more,
    }


def submission(kind, body, key=None):
    raw = orjson.dumps({kind: body})
    return Submission(kind, raw, sha256(raw).hexdigest(), idempotency_key=key)


def undisturbed(kind, body):
    """The bytes of the result of a job that nothing happens to."""
    return done_in_peace(kind, orjson.dumps({kind: body}))


@cache
def done_in_peace(kind, body):
    attempt = Attempt("job", kind, "", 1, 0, 0.0, "{}", body, None)
    with Child(attempt, MEMORY) as child:
        while True:
            message = child.next(60)
            assert message is not None
            if "status" in message.what:
                assert message.what["status"] == "succeeded", message.what
                return message.content[0]
