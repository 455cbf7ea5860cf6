"""Bodies changed at random, for so many seconds: `python -m tests.random_bodies 300`; `… 300 7` with another seed.

Whatever is sent, the answer is JSON and no fault of the service; if it is no refusal, it is as the OpenAPI document says.
Prints what is not so.
"""

import copy
import random
import sys
from time import monotonic, process_time
from typing import Any

import orjson
from jsonschema import Draft202012Validator

from engine.check import METHODS
from engine.grading.compare import MODES
from engine.grading.policy import FEEDBACK
from engine.ops import ACTIVATIONS
from engine.optimizers import OPTIMIZERS
from engine.problems.loss_rules import LOSS_RULES
from engine.problems.network import SPREADS
from service.operations.allowance import Allowance
from service.work.perform import perform
from tests.contract import CLOSED
from tests.golden_cases import CASES
from tests.mutations import EXAMPLES, HOW, NAMES, ODD, TABLES, at, mutate, places

BODIES = [*EXAMPLES * 5, *((operation, body) for operation, body in CASES.values() if isinstance(body, dict))]
LONGEST = 5.0
"""Seconds for one body."""
NUMBERS = (0, 1, -1, 2, 3, 0.5, -0.0, 5e-324, 1e-160, 1e160, 1e300, -1e300, 1.7e308, 1e-8, 2**53, 100, 1000, -745, 710, 36.7)
TEXTS = ("0.5", "1e300", "0", "-1e-300", "1e-9999", "0.0000", "1" * 50, "−2", "dW1", "J", "dX", "A1/Z1", "dA2/dW1", "losses")
WORDS: dict[str, list[Any]] = {
    "activation": list(ACTIVATIONS),
    "loss": list(LOSS_RULES),
    "kind": [*LOSS_RULES, *OPTIMIZERS, *SPREADS, "constant", "step"],
    "method": list(METHODS),
    "mode": list(MODES),
    "feedback": list(FEEDBACK),
    "layout": ["rows", "columns"],
    "orientation": ["in_out", "out_in"],
    "average_in": ["loss", "parameters"],
    "reduction": ["mean", "sum"],
}
EXPRESSIONS = (
    *(f"{op}({{}})" for op in ("exp", "log", "sqrt", "tanh", "softmax", "abs", "sum", "mean", "sign", "relu", "transpose")),
    *(f"({{}}) ** {power}" for power in (2, -1, 0.5, 0, -2.5, 1e9)),
    *("({}) * 1e200", "({}) - ({})", "1 / ({})", "maximum({}, 0)", "({}) / 1e300", "sum({}, axis=0)", "({}) @ ({})"),
)
FIELDS: tuple[dict[str, Any], ...] = (
    *({"optimizer": {"kind": kind, "learning_rate": rate}} for kind in OPTIMIZERS for rate in (0.1, 1e300, 1e-300)),
    *({"method": method, "step": step} for method in METHODS for step in (1e-200, 1e-100, 1e-5, 1)),
    *({"schedule": {"kind": "step", "every": 1, "factor": factor}} for factor in (0.5, 1e6, 1e-300)),
    *({"tolerance": tolerance} for tolerance in (0, 1e300)),
    *({"steps": steps, "batch_size": size} for steps in (1, 100) for size in (1, 2)),
    *({"jacobians": [name]} for name in ("dJ/dW1", "A1/Z1", "dA2/dW1", "f/q", "J/losses")),
    {"include": ["local", "formulas"]},
    {"weight_decay": 1e300},
    {"bias": True},
    {"record": ["state"]},
)
ANSWERS = {operation: f"{operation.title().replace('_', '')}Response" for operation in TABLES}
VALIDATORS = {
    operation: Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": {"schemas": CLOSED}})
    for operation, name in ANSWERS.items()
}


def change(draw, body):
    """One place to something that may well be allowed there."""
    path = draw.choice([path for path in places(body) if path] or [None])
    if path is None:
        return
    parent, key, value = at(body, path[:-1]), path[-1], at(body, path)
    field = next((each for each in reversed(path) if isinstance(each, str)), "")
    if isinstance(value, bool):
        parent[key] = not value
    elif isinstance(value, int | float):
        parent[key] = draw.choice(NUMBERS)
    elif isinstance(value, str) and field == "expressions":
        name, _, right = value.partition(" = ")
        parent[key] = f"{name} = {draw.choice(EXPRESSIONS).format(right, right)}"
    elif isinstance(value, str):
        parent[key] = draw.choice(WORDS.get(field, TEXTS))
    elif isinstance(value, list) and value:
        value.append(copy.deepcopy(draw.choice(value)))
    elif isinstance(value, dict):
        value.update(copy.deepcopy(draw.choice(FIELDS)))


def damage(draw, sent):
    """Some bytes, so that it may not be JSON any more."""
    damaged = bytearray(sent)
    for _ in range(draw.randint(1, 3)):
        place = draw.randrange(len(damaged) + 1)
        inserted = draw.choice([b"", b"[[", b"1e999", b"NaN", b'"a":', b"\\ud800", b"\xff", b"-0", b"9" * 400, b",", b"}"])
        damaged[place : place + draw.choice([0, 0, 1, 5])] = inserted
    return bytes(damaged)


def random_body(draw):
    """(operation, bytes)."""
    operation, body = draw.choice(BODIES)
    if draw.random() < 0.1:
        operation = draw.choice(list(TABLES))
    body = copy.deepcopy(body)
    gently = draw.random() < 0.8
    for _ in range(draw.choice([1, 1, 1, 2, 3, 5])):
        found = [path for path in places(body) if path]
        if gently:
            change(draw, body)
        elif found:
            mutate(body, draw.choice(found), draw.choice(HOW), draw.choice(ODD), draw.choice(NAMES))
    sent = orjson.dumps(body)
    return operation, sent if gently or draw.random() < 0.7 else damage(draw, sent)


def fault(operation, sent):
    """What is wrong with the answer to it, in words; nothing if all is well."""
    started = process_time()
    reply = perform(operation, sent, Allowance())
    seconds = process_time() - started
    answered = orjson.loads(reply.content)
    if seconds > LONGEST:
        return f"takes {seconds:.1f} s"
    if reply.status == 200:
        if any(each.get("error", {}).get("status") == 500 for each in answered.get("results", ())):
            return "an item of the batch answers 500"
        wrong = next(VALIDATORS[operation].iter_errors(answered), None)
        return f"{list(wrong.absolute_path)}: {wrong.message}" if wrong else ""
    if reply.status != 422:
        return f"answers {reply.status} {answered['type']}"
    if not answered["errors"] or len(reply.content) > 10_000:
        return f"{len(answered['errors'])} errors in {len(reply.content)} bytes"
    return ""


def main(seconds, seed):
    draw, until, tried = random.Random(seed), monotonic() + seconds, 0
    while monotonic() < until:
        operation, sent = random_body(draw)
        tried += 1
        if wrong := fault(operation, sent):
            print(operation, wrong, sent[:1_000], flush=True)
    print(f"{tried:,} bodies")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
