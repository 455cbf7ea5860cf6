"""What refusals suggest."""

from engine.errors import OTHERWISE, suggestion
from engine.ops import ACTIVATIONS, OPS
from engine.problems.loss_rules import LOSS_RULES
from engine.problems.network import LAYER_FIELDS, SPREADS
from engine.problems.problem import FIELDS


def test_what_things_are_called_elsewhere_is_found():
    """Every name stands for something that there is, and is suggested where it is asked for."""
    known = {*ACTIVATIONS, *LOSS_RULES, *OPS, *SPREADS, *FIELDS, *LAYER_FIELDS, "learning_rate", "step"}
    assert {*OTHERWISE.values()} <= known
    for said, meant in OTHERWISE.items():
        assert suggestion(said.upper(), known) == f"; did you mean '{meant}'?"
    assert suggestion("mse", ["cosine", "step"]) == "; known are: cosine, step"
