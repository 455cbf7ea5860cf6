"""One tree of errors, in words a person can act on.

Every error has a `kind` (a stable slug that a service can turn into a document of its own), a sentence, and the `path`
of the offending part of the problem as it was written, such as `network.layers[1].weights`.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class EngineError(ValueError):
    """Something about the input that its author can mend."""

    kind = "bad-problem"

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class BadProblem(EngineError):
    """A field is missing, unknown, or not of the kind that is expected there."""


class BadNumbers(EngineError):
    """What should be finite numbers is not: text, booleans, NaN, infinities, ragged or too deep lists."""

    kind = "bad-numbers"


class ShapeMismatch(EngineError):
    """Two things do not fit together; the sentence tells both shapes."""

    kind = "shape-mismatch"


class BadLabels(EngineError):
    """Labels or predictions outside what the loss is defined for, or a head that the loss cannot follow."""

    kind = "bad-labels"


class BadExpression(EngineError):
    """An expression that is not Python arithmetic and calls of catalogued ops."""

    kind = "bad-expression"


class UnknownName(EngineError):
    """A name that stands for nothing here; the sentence offers the nearest one that does."""

    kind = "unknown-name"

    def __init__(self, what: str, name: str, known: Iterable[str], *, path: str = "") -> None:
        super().__init__(f"{what} '{shorten(name)}' is not known{suggestion(name, known)}", path=path)


class NameCollision(EngineError):
    """Two quantities would bear one name."""

    kind = "name-collision"


class NotScalar(EngineError):
    """Gradients are asked of an output that is not one number."""

    kind = "not-scalar"


class NotFinite(EngineError):
    """The numbers are finite, but what is computed from them is not."""

    kind = "not-finite"


class TooLarge(EngineError):
    """More than this engine takes on at once."""

    kind = "too-large"


class BadCheckpoint(EngineError):
    """Bytes from which this training run cannot continue. No request carries any, so it needs no kind of its own."""


class KeyRefuted(EngineError):
    """Two independent methods disagree about a gradient: a fault of the engine, never of its user."""

    kind = "key-refuted"


class KeyUnconfirmed(EngineError):
    """A second method can neither confirm nor refute a gradient, so nobody is graded by it."""

    kind = "key-unconfirmed"


OTHERWISE = {
    "mse": "squared_error",
    "l2": "squared_error",
    "mae": "absolute_error",
    "l1": "absolute_error",
    "bce": "binary_cross_entropy",
    "ce": "cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "categorical_cross_entropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
    "log_loss": "binary_cross_entropy",
    "nll": "cross_entropy",
    "epsilon": "step",
    "eps": "step",
    "linear": "identity",
    "none": "identity",
    "logistic": "sigmoid",
    "gelu": "gelu_tanh",
    "swish": "silu",
    "ln": "log",
    "lr": "learning_rate",
    "glorot": "xavier",
    "kaiming": "he",
    "w": "weights",
    "b": "bias",
    "x": "inputs",
    "y": "labels",
    "targets": "labels",
    "neurons": "units",
}
"""What some things are called elsewhere."""


def shorten(text: object, length: int = 60) -> str:
    """Quoted input never floods a message."""
    text = str(text)
    return text if len(text) <= length else text[: length - 1] + "…"


def suggestion(name: str, known: Iterable[str], *, listed: bool = True) -> str:
    """`; did you mean 'dW1'?`, or the list of what is known when nothing is near and the list is short."""
    known = list(known)
    near = [candidate for candidate in known if candidate in (OTHERWISE.get(name.lower()), name.lower())]
    near = near or [candidate for candidate in known if candidate.lower() == name.lower()]
    if near or (len(name) <= 100 and (near := get_close_matches(name, known, n=1))):
        return f"; did you mean '{near[0]}'?"
    if listed and known and len(known) <= 40:
        return f"; known are: {', '.join(known)}"
    return ""


def shape_text(shape: Iterable[int]) -> str:
    """2×3 for a matrix, 3 for a vector, `a single number` for a scalar."""
    lengths = [str(length) for length in shape]
    if not lengths:
        return "a single number"
    return shorten("×".join(lengths)) if len(lengths) > 1 else f"a list of {shorten(lengths[0], 20)}"
