"""A certificate is given again only for the same graph with the same numbers."""

import copy

import pytest

from engine import Key, certify, read_problem, solve
from engine.errors import KeyRefuted
from service.contract.examples import GRADIENTS, LOGISTIC_STEP, THREE_TWO_ONE
from service.operations import certificates
from service.operations.certificates import Certificates, digest_of


@pytest.fixture
def kept():
    return Certificates()


def confirmed(kept, wire):
    return solve(read_problem(wire), confirm=kept.certify).certificate


def changed(wire, change):
    wire = copy.deepcopy(wire)
    change(wire)
    return wire


def test_the_same_problem_is_confirmed_once(kept):
    first = confirmed(kept, THREE_TWO_ONE)
    assert confirmed(kept, THREE_TWO_ONE) is first
    assert kept.hits == 1
    problem = read_problem(THREE_TWO_ONE)
    assert first == certify(problem)


CHANGES = {
    "input": lambda wire: wire["inputs"][0].__setitem__(0, 1.0000001),
    "label": lambda wire: wire.update(labels=[[0]]),
    "weight": lambda wire: wire["network"]["layers"][0]["weights"][2].__setitem__(1, 0.5),
    "activation": lambda wire: wire["network"]["layers"][0].update(activation="tanh"),
    "name": lambda wire: wire["network"]["layers"][0].update(name="first"),
    "bias": lambda wire: wire["network"]["layers"][0].update(bias=True),
    "scale": lambda wire: wire["network"]["loss"].update(scale=1),
    "reduction": lambda wire: wire["network"]["loss"].update(reduction="sum"),
    "average": lambda wire: wire["network"]["loss"].update(average_in="parameters"),
    "loss": lambda wire: wire["network"].update(loss="absolute_error"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_another_problem_is_confirmed_anew(kept, change):
    confirmed(kept, THREE_TWO_ONE)
    confirmed(kept, changed(THREE_TWO_ONE, change))
    assert kept.hits == 0


def test_what_a_certificate_does_not_depend_on_makes_no_difference(kept):
    confirmed(kept, LOGISTIC_STEP)
    confirmed(kept, changed(LOGISTIC_STEP, lambda wire: wire["optimizer"].update(learning_rate=0.5)))
    assert kept.hits == 1


def test_constants_are_not_confirmed_and_so_another_problem(kept):
    wire = {"graph": {"expressions": ["J = a * b"]}, "values": {"a": 2, "b": 3}}
    confirmed(kept, wire)
    confirmed(kept, {**wire, "constants": ["a"]})
    assert kept.hits == 0


def test_other_numbers_of_the_engine_are_confirmed_anew(kept):
    problem = read_problem(THREE_TWO_ONE)
    run = problem.unchanged
    kept.certify(problem, run)
    run.gradients["W1"][0, 0] *= 1.0 + 1e-15
    before = digest_of(problem, run, run.gradients)
    run.gradients["W1"][0, 0] *= 2.0
    assert digest_of(problem, run, run.gradients) != before
    with pytest.raises(KeyRefuted):
        kept.certify(problem, run)
    with pytest.raises(KeyRefuted):  # and again: it is never kept
        kept.certify(problem, run)


def test_a_graph_that_is_gone_vouches_for_no_other(kept):
    wire = GRADIENTS["graph"].body
    problem = read_problem(wire)
    digest = digest_of(problem, problem.unchanged, problem.unchanged.gradients)
    assert digest is not None
    found = kept.certify(problem, problem.unchanged)
    twin = read_problem(changed(wire, lambda each: each["graph"].update(expressions=["q = x + y", "g = q * z"])))
    assert kept.find(digest, problem.graph) is found
    assert kept.find(digest, twin.graph) is None


def test_only_the_last_ones_are_kept():
    kept = Certificates(most=2)
    graphs = [{"graph": {"expressions": ["J = a * a"]}, "values": {"a": number}} for number in range(1, 5)]
    for wire in graphs:
        confirmed(kept, wire)
    assert len(kept.kept) == 2
    confirmed(kept, graphs[-1])
    assert kept.hits == 1


def test_large_problems_are_not_looked_up(kept, monkeypatch):
    monkeypatch.setattr(certificates, "MOST_NUMBERS", 5)
    confirmed(kept, THREE_TWO_ONE)
    assert not kept.kept


def test_a_key_is_confirmed_once_for_all_who_are_graded_by_it(kept):
    problem = read_problem(THREE_TWO_ONE)
    first, second = (Key(read_problem(THREE_TWO_ONE), kept.certify) for _ in range(2))
    assert kept.hits == 1
    assert first.certificate is second.certificate
    assert first.certificate == Key(problem).certificate
    confirmed(kept, THREE_TWO_ONE)  # which confirms the gradient of the inputs as well
    assert kept.hits == 1
