"""Bad requests, as people send them: by name, what is asked for and the body, as JSON or as the very bytes."""

from typing import Any

from service.contract.examples import (
    LEAST_SQUARES,
    LOGISTIC_STEP,
    PREDICTIONS,
    REGRESSION,
    SIBLINGS,
    SUM_TIMES,
    THREE_TWO_ONE,
)

DELETE = object()
Case = tuple[str, Any]


def put(body: Any, **changes: Any) -> Any:
    """A copy with fields changed; `network__layers__0__units` is one deeper down."""
    for path, value in changes.items():
        body = put_at(body, path.split("__"), value)
    return body


def put_at(body: Any, keys: list[str], value: Any) -> Any:
    key: Any = int(keys[0]) if isinstance(body, list) else keys[0]
    copied = body.copy()
    if len(keys) > 1:
        copied[key] = put_at(copied[key], keys[1:], value)
    elif value is DELETE:
        del copied[key]
    else:
        copied[key] = value
    return copied


def graph(*expressions: Any, output: Any = None, **values: Any) -> dict[str, Any]:
    return {"graph": {"expressions": list(expressions), **({"output": output} if output else {})}, "values": values}


def policy(**fields: Any) -> dict[str, Any]:
    return {**SIBLINGS, "answers": {"dc": 9}, "policy": fields}


def adam(**settings: Any) -> dict[str, Any]:
    return {**LOGISTIC_STEP, "optimizer": {"kind": "adam", "learning_rate": 0.1, **settings}}


def answered(*submissions: Any) -> dict[str, Any]:
    return {**SIBLINGS, "submissions": list(submissions)}


STEPS = {**REGRESSION, "optimizer": {"kind": "sgd", "learning_rate": 0.1}, "steps": 2}
SQUARES = {**LEAST_SQUARES, "optimizer": {"kind": "sgd", "learning_rate": 0.1}, "steps": 2}
CLASSES = {
    "network": {"layers": [{"units": 3, "activation": "softmax"}], "loss": "cross_entropy"},
    "inputs": [[1, 2], [3, 4]],
    "labels": [0, 2],
}

CASES: dict[str, Case] = {
    # the body
    "nothing at all": ("gradients", b""),
    "not JSON": ("gradients", b"graph=1&values=2"),
    "a Python dictionary": ("gradients", b"{'graph': None}"),
    "NaN from NumPy": ("gradients", b'{"values": {"x": [1.0, NaN]}}'),
    "a list": ("gradients", [SUM_TIMES]),
    "an empty object": ("gradients", {}),
    "an answer given twice": ("grade", b'{"answers": {"dW1": 1, "dW1": 2}}'),
    # the kind of problem
    "no kind of problem": ("gradients", {"inputs": [[1]], "labels": [[1]]}),
    "the layers without their network": ("gradients", put(THREE_TWO_ONE["network"])),
    "two problems": ("gradients", {**SUM_TIMES, "network": THREE_TWO_ONE["network"]}),
    "labels beside a graph": ("gradients", {**SUM_TIMES, "labels": [[1]]}),
    "a field in capitals": ("gradients", put({**SUM_TIMES, "Values": SUM_TIMES["values"]}, values=DELETE)),
    "inputs forgotten": ("gradients", put(THREE_TWO_ONE, inputs=DELETE)),
    "options of another endpoint": ("mistakes", {**SUM_TIMES, "include": ["local"], "answers": {}}),
    # networks
    "a network that is a list": ("gradients", put(THREE_TWO_ONE, network=[])),
    "no layers": ("gradients", put(THREE_TWO_ONE, network__layers=[])),
    "a layer that is a number": ("gradients", put(THREE_TWO_ONE, network__layers__0=3)),
    "an unknown activation": ("gradients", put(THREE_TWO_ONE, network__layers__0__activation="Sigmoid")),
    "an activation from elsewhere": ("gradients", put(THREE_TWO_ONE, network__layers__0__activation="swish")),
    "no activation": ("gradients", put(THREE_TWO_ONE, network__layers__1__activation=DELETE)),
    "weights and units": ("gradients", put(THREE_TWO_ONE, network__layers__1__units=1)),
    "neither weights nor units": ("gradients", put(THREE_TWO_ONE, network__layers__1__weights=DELETE)),
    "flat weights": ("gradients", put(THREE_TWO_ONE, network__layers__1__weights=[0.3, 0.5])),
    "transposed weights": ("gradients", put(THREE_TWO_ONE, network__layers__0__weights=[[0.1, 0.3, 1], [0.2, 0.4, -0.5]])),
    "weights that do not follow": ("gradients", put(THREE_TWO_ONE, network__layers__1__weights=[[1], [2], [3]])),
    "ragged weights": ("gradients", put(THREE_TWO_ONE, network__layers__0__weights=[[0.1, 0.2], [0.3], [1, -0.5]])),
    "weights as text": ("gradients", put(THREE_TWO_ONE, network__layers__1__weights=[["0.3"], ["0.5"]])),
    "a missing weight": ("gradients", put(THREE_TWO_ONE, network__layers__1__weights=[[0.3], [None]])),
    "a bias for each input": ("gradients", put(THREE_TWO_ONE, network__layers__0__bias=[0, 0, 0])),
    "a bias as a row": ("gradients", put(THREE_TWO_ONE, network__layers__0__bias=[[0, 0]])),
    "a bias by name": ("gradients", put(THREE_TWO_ONE, network__layers__0__bias="zeros")),
    "half a unit": ("gradients", put(THREE_TWO_ONE, network__layers__0={"units": 2.0, "activation": "relu"})),
    "no units": ("gradients", put(THREE_TWO_ONE, network__layers__0={"units": 0, "activation": "relu"})),
    "an init by name": (
        "gradients",
        put(THREE_TWO_ONE, network__layers__0={"units": 2, "init": "he", "activation": "relu"}),
    ),
    "an init with a scale": (
        "gradients",
        put(THREE_TWO_ONE, network__layers__0={"units": 2, "init": {"kind": "he", "scale": 2}, "activation": "relu"}),
    ),
    "an init of given weights": ("gradients", put(THREE_TWO_ONE, network__layers__0__init={"kind": "he"})),
    "a slope for sigmoid": ("gradients", put(THREE_TWO_ONE, network__layers__0__slope=0.1)),
    "a name with a space": ("gradients", put(THREE_TWO_ONE, network__layers__0__name="first layer")),
    "a layout in the singular": ("gradients", put(THREE_TWO_ONE, network__layout="row")),
    "an unknown loss": ("gradients", put(THREE_TWO_ONE, network__loss="mse")),
    "a loss that the last layer cannot have": ("gradients", put(THREE_TWO_ONE, network__loss="cross_entropy")),
    "a negative scale": ("gradients", put(THREE_TWO_ONE, network__loss={"kind": "squared_error", "scale": -0.5})),
    "a delta for squared error": ("gradients", put(THREE_TWO_ONE, network__loss={"kind": "squared_error", "delta": 1})),
    "averaged nowhere": ("gradients", put(THREE_TWO_ONE, network__loss={"kind": "squared_error", "average_in": "W"})),
    "flat inputs": ("gradients", put(THREE_TWO_ONE, inputs=[1, 2, 3])),
    "inputs of another width": ("gradients", put(THREE_TWO_ONE, inputs=[[1, 2]])),
    "inputs in columns": ("gradients", put(THREE_TWO_ONE, inputs=[[1], [2], [3]])),
    "flat labels": ("gradients", put(THREE_TWO_ONE, labels=[1])),
    "labels for two examples": ("gradients", put(THREE_TWO_ONE, labels=[[1], [0]])),
    "a label beyond 1": ("gradients", put(LOGISTIC_STEP, labels=[[2]])),
    "a class that is not there": ("gradients", put(PREDICTIONS, labels=[0, 1, 3])),
    "half a class": ("gradients", put(PREDICTIONS, labels=[0, 1, 1.5])),
    "predictions that do not sum to 1": ("gradients", put(PREDICTIONS, predictions__0=[0.5, 0.3, 0.4])),
    "a wrong prediction of 0": ("gradients", put(PREDICTIONS, predictions__0=[0, 0.5, 0.5])),
    "much at once": (
        "gradients",
        put(THREE_TWO_ONE, network__layers__0__weights="?", network__loss="mse", inputs=[1], labels=None, seed=1),
    ),
    # graphs
    "no expressions": ("gradients", graph(x=1)),
    "an expression that is a number": ("gradients", graph(3, x=1)),
    "no assignment": ("gradients", graph("x + 1", x=1)),
    "half an expression": ("gradients", graph("y = (x + 1", x=1)),
    "a power sign": ("gradients", graph("y = x ^ 2", x=1)),
    "an index": ("gradients", graph("y = x[0]", x=[1, 2])),
    "NumPy by name": ("gradients", graph("y = np.exp(x)", x=1)),
    "an unknown op": ("gradients", graph("y = sigmod(x)", x=1)),
    "an op without its option": ("gradients", graph("y = sum(reshape(x))", x=[1, 2])),
    "an option that is not one": ("gradients", graph("y = sum(x, axes=0)", x=[1, 2])),
    "an unknown name": ("gradients", graph("y = w * x", x=1)),
    "used before it is defined": ("gradients", graph("y = 2 * u", "u = x + 1", x=1)),
    "defined twice": ("gradients", graph("y = x", "y = 2 * x", x=1)),
    "given and computed": ("gradients", graph("x = 2 * y", x=1, y=2)),
    "a name that is a derivative": ("gradients", graph("de = 2 * e", e=1)),
    "a name that is an op": ("gradients", graph("y = 2 * exp", exp=1)),
    "shapes that do not multiply": ("gradients", graph("y = sum(W @ x)", W=[[1, 2, 3]], x=[1, 2])),
    "an output with two numbers": ("gradients", graph("y = 2 * x", x=[1, 2])),
    "an output that is not there": ("gradients", graph("y = 2 * x", output="J", x=1)),
    "too large for a float": ("gradients", graph("y = exp(x)", x=1000)),
    "the logarithm of 0": ("gradients", graph("y = log(x)", x=0)),
    "a value as text": ("gradients", graph("y = 2 * x", x="1.5")),
    "a value that is true": ("gradients", graph("y = 2 * x", x=True)),
    "an empty value": ("gradients", graph("y = sum(x)", x=[])),
    "values as a list": ("gradients", {**graph("y = x"), "values": [1, 2]}),
    "an unknown constant": ("gradients", {**graph("y = x", x=1), "constants": ["k"]}),
    "more numbers than are held": ("gradients", graph("y = sum(outer(x, x))", x=[1.0] * 4000)),
    # options
    "an unknown part": ("gradients", {**SUM_TIMES, "include": ["locals"]}),
    "a part that is not in a list": ("gradients", {**SUM_TIMES, "include": "local"}),
    "a Jacobian of nothing": ("gradients", {**SUM_TIMES, "jacobians": ["f/w"]}),
    "a Jacobian that is a gradient": ("gradients", {**SUM_TIMES, "jacobians": ["dx"]}),
    "an unknown optimizer": ("gradients", put(LOGISTIC_STEP, optimizer__kind="Adam")),
    "no learning rate": ("gradients", put(LOGISTIC_STEP, optimizer={"kind": "sgd"})),
    "an optimizer by name": ("gradients", put(LOGISTIC_STEP, optimizer="sgd")),
    "a learning rate called lr": ("gradients", put(LOGISTIC_STEP, optimizer={"kind": "sgd", "lr": 0.1})),
    "a learning rate of 0": ("gradients", put(LOGISTIC_STEP, optimizer__learning_rate=0)),
    "beta in a list": ("gradients", adam(betas=[0.9, 0.999])),
    "a beta of 1": ("gradients", adam(beta1=1)),
    "half a schedule": ("gradients", adam(schedule={"kind": "step", "every": 0})),
    # checks
    "gradients in a list": ("check", {**SUM_TIMES, "gradients": [1, 2]}),
    "no gradients": ("check", {**SUM_TIMES, "gradients": {}}),
    "a gradient of nothing": ("check", {**SUM_TIMES, "gradients": {"dw": 1}}),
    "a gradient without its d": ("check", {**SUM_TIMES, "gradients": {"x": 4}}),
    "a gradient of another shape": ("check", {**SUM_TIMES, "gradients": {"dx": [4, 4]}}),
    "an unknown method": ("check", {**SUM_TIMES, "method": "forward"}),
    "a step of 0": ("check", {**SUM_TIMES, "step": 0}),
    "a seed with a point": ("check", {**SUM_TIMES, "method": "directional", "seed": 1.0}),
    # grading
    "no answers": ("grade", SIBLINGS),
    "answers in a list": ("grade", {**SIBLINGS, "answers": [9]}),
    "a policy that is a list": ("grade", {**SIBLINGS, "answers": {}, "policy": []}),
    "an unknown field of a policy": ("grade", policy(weights={"dc": 2})),
    "nothing asked": ("grade", policy(ask=[])),
    "asked for what is given": ("grade", policy(ask=["b"])),
    "asked for what is not there": ("grade", policy(ask=["dC"])),
    "negative points": ("grade", policy(points={"dc": -1})),
    "hinge labels of 0 and 1": ("gradients", {"loss": "hinge", "predictions": [[0.5], [1]], "labels": [[0], [1]]}),
    "classes in a column": ("gradients", {**CLASSES, "labels": [[0], [2]]}),
    "a maximum of two": ("gradients", graph("J = max(x, 0)", x=1)),
    "a claim transposed": ("check", {**THREE_TWO_ONE, "gradients": {"dW1": [[1, 2, 3], [4, 5, 6]]}}),
    "points for nobody": ("grade", policy(points={"dz": 1})),
    "points for what is not asked": ("grade", policy(ask=["dc"], points={"db": 1})),
    "more than follow-through": ("grade", policy(follow_through=50)),
    "an unknown feedback": ("grade", policy(feedback="none")),
    "an alias for nothing": ("grade", policy(aliases={"grad_c": "dd"})),
    "an alias that is a quantity": ("grade", policy(aliases={"db": "dc"})),
    "a tolerance that is a number": ("grade", policy(tolerance=0.01)),
    "a tolerance without a mode": ("grade", policy(tolerance={"relative": 0.01})),
    "a setting of another tolerance": ("grade", policy(tolerance={"mode": "decimals", "relative": 0.01})),
    "digits with a point": ("grade", policy(tolerance={"mode": "decimals", "digits": 2.5})),
    "submissions by id": ("grade_batch", {**SIBLINGS, "submissions": {"s1": {}}}),
    "a submission without an id": ("grade_batch", answered({"answers": {"dc": 9}})),
    "an id that is a number": ("grade_batch", answered({"id": 1, "answers": {"dc": 9}})),
    "the same id twice": ("grade_batch", answered({"id": "s", "answers": {}}, {"id": "s", "answers": {}})),
    "a submission that is text": ("grade_batch", answered("dc = 9")),
    # jobs
    "a job of no kind": ("job", {"training": STEPS}),
    "what is no job": ("job", STEPS),
    # training
    "no optimizer": ("train", put(STEPS, optimizer=DELETE)),
    "steps and epochs": ("train", {**STEPS, "epochs": 2}),
    "neither steps nor epochs": ("train", put(STEPS, steps=DELETE)),
    "no steps": ("train", put(STEPS, steps=0)),
    "steps without end": ("train", put(STEPS, steps=10**15)),
    "a batch larger than all": ("train", {**STEPS, "batch_size": 6}),
    "shuffled by text": ("train", {**STEPS, "shuffle": "yes"}),
    "stopped by the cost": ("train", {**STEPS, "stop_when": {"cost": 0.1}}),
    "a record of losses": ("train", {**STEPS, "record": ["loss"]}),
    "a loss alone": ("train", {**PREDICTIONS, "optimizer": STEPS["optimizer"], "steps": 1}),
    "batches of a graph": ("train", {**SQUARES, "batch_size": 1}),
    "nothing to train": ("train", put(SQUARES, constants=["A", "c", "x"])),
    "a sign that cannot learn": ("train", put(STEPS, network__layers__0__activation="sign")),
}
