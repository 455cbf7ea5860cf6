"""Grading: verdicts, the first error, what follows from it, and what is told at each level of feedback."""

import json

import numpy as np
import pytest

from engine import EngineError, Key, distinguish, grade, read_policy, read_problem, shown
from engine.errors import BadNumbers, BadProblem, KeyUnconfirmed, UnknownName
from engine.grading.mistakes import MISTAKES
from engine.grading.remarks import few_wrong
from engine.grading.worlds import vanished
from engine.quantities import compute, computed_names
from tests.problems import CASES, random_network

PRINTED = {name: case for name, case in CASES.items() if case["printed"]}


def graded(problem, answers, **policy):
    """The items of a grade by name, and the grade."""
    found = grade(problem, answers, read_policy(policy, problem))
    return {item.name: item for item in found.items}, found


def verdicts(problem, answers, **policy):
    items, _ = graded(problem, answers, **policy)
    return {name: item.verdict for name, item in items.items()}


@pytest.fixture
def mlp():
    return read_problem(CASES["mlp-3-2-1"]["problem"])


@pytest.fixture
def scalars():
    return read_problem(CASES["graph-3-a-plus-bc"]["problem"])


@pytest.mark.parametrize("case", PRINTED.values(), ids=PRINTED)
def test_what_the_notes_print_is_graded_as_a_person_would(case):
    problem = read_problem(case["problem"])
    items, found = graded(problem, case["printed"], ask=list(case["printed"]))
    if case["id"] == "mlp-3-2-1":
        assert {name: item.verdict for name, item in items.items()} == {
            **dict.fromkeys(["Z1", "A1", "Z2", "A2"], "correct"),
            "dZ2": "wrong",
            "dW2": "follow_through",
            "dW1": "follow_through",
        }
        assert found.first_error == "dZ2"
        assert items["dZ2"].named is not None
        assert items["dZ2"].named.mistake.code in ("sign_flipped", "loss_derivative_reversed")
        assert found.score == round(6 / 7, 6)
    elif case["id"] == "cross-entropy-table":  # of five losses the notes print one, and that one is right
        assert items["losses"].verdict == "missing"
        assert items["losses"].cells is not None
        assert items["losses"].cells.tolist() == [True, False, False, False, False]
        assert items["losses"].message == "1 of 5 entries are answered"
    else:
        assert {item.verdict for item in items.values()} == {"correct"}
        assert (found.score, found.first_error) == (1.0, None)


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize(
    ("activation", "loss", "node", "factor"),
    [
        ("softmax", "cross_entropy", "Z1", 1.0),
        ("sigmoid", "binary_cross_entropy", "Z1", 1.0),
        ("identity", {"kind": "squared_error", "scale": 0.5}, "A1", 1.0),
        ("tanh", "squared_error", "A1", 2.0),
    ],
)
def test_who_forgets_the_labels_is_told_so(activation, loss, node, factor, layout):
    """A where A − Y belongs, with all that belongs to it or without."""
    rng = np.random.default_rng(0)
    layer = {"weights": rng.normal(size=(2, 2)).tolist(), "bias": [0.1, -0.2], "activation": activation}
    network = {"layers": [layer], "loss": loss, "layout": layout}
    labels = [[1, 0, 0], [0, 1, 1]] if layout == "columns" else [[1, 0], [0, 1], [0, 1]]
    inputs = rng.normal(size=np.shape(labels)).tolist()
    problem = read_problem({"network": network, "inputs": inputs, "labels": labels})
    A = problem.run()["A1"]
    for answer in (factor * A / 3, A):
        items, _ = graded(problem, {f"d{node}": answer.tolist()}, ask=[f"d{node}"])
        assert items[f"d{node}"].named is not None
        assert items[f"d{node}"].named.mistake.code == "labels_forgotten"


def test_the_sibling_s_derivative_is_told_from_its_own(scalars):
    items, found = graded(scalars, {"du": 3, "db": 6, "dc": 6}, ask=["du", "db", "dc"])
    assert items["dc"].verdict == "wrong"
    assert items["dc"].named is not None
    assert items["dc"].named.mistake.code == "sibling_gradient"
    assert found.first_error == "dc"
    assert (found.points, found.max_points) == (2.0, 3.0)


def test_both_rules_of_a_fused_head_are_right():
    problem = read_problem(CASES["softmax-regression"]["problem"])
    truth = compute(problem, ["A1", "dA1", "dZ1"])
    p = truth["A1"].ravel()
    dA = np.array([0.0, -6.0, 0.0])  # a wrong derivative of the loss, and two ways to go on
    through = p * (dA - p @ dA)
    for dZ in (through, truth["dZ1"].ravel()):
        answers = {"A1": truth["A1"].tolist(), "dA1": dA[:, None].tolist(), "dZ1": dZ[:, None].tolist()}
        assert verdicts(problem, answers)["dZ1"] in ("follow_through", "correct")


@pytest.mark.parametrize("nothing", [0, 5e-324, 1e-200, "0.000000000000000000001", 1e-9])
def test_an_answer_that_trivialises_the_rest_earns_nothing_for_it(mlp, nothing):
    zeros = {"dA2": [[nothing]], "dZ2": [[nothing]], "dW2": [[0], [0]], "dW1": [[0, 0]] * 3}
    found = verdicts(mlp, zeros)
    assert found["dA2"] == "wrong"
    assert set(found.values()) <= {"wrong", "missing"}
    truth = compute(mlp, ["dZ2", "dW2", "dZ1", "dW1"])
    part = float(nothing) / truth["dZ2"].item()
    followed = {name: (part * value).tolist() for name, value in truth.items()} | {"dZ2": [[nothing]]}
    assert set(verdicts(mlp, followed).values()) == {"wrong"}


def test_what_is_small_in_the_truth_as_well_has_not_vanished():
    truth = np.array([1.0, 1e-12, 1e-30, 0.0])
    assert not vanished(-3.0 * truth, truth).any()
    assert vanished(np.array([1.0, 1e-20, 0.0, 0.0]), truth).tolist() == [False, True, True, False]
    assert vanished(np.array([1e9, 1.0]), np.array([1.0, 1.0])).tolist() == [False, True]
    assert vanished(np.array([5e-324]), np.array([1e-3])).all()
    assert not vanished(np.array([1e308]), np.array([1e-308])).any()


def test_parameters_and_inputs_cannot_be_answered(mlp):
    items, found = graded(mlp, {"W1": [[1, 2]] * 3, "X": [[0, 0, 0]], "Y": [[5]], "dW2": [["-0.0880"], ["-0.0340"]]})
    for name in ("W1", "X", "Y"):
        assert items[name].verdict == "malformed"
        assert items[name].message == f"'{name}' is given, not computed"
        assert items[name].max_points == 0
    assert items["dW2"].verdict == "correct"
    assert found.max_points == 2.0  # dW1 and dW2


@pytest.mark.parametrize(
    ("answers", "name", "message", "path"),
    [
        ({"dw1": [[1, 2]] * 3}, "dw1", "there is no quantity 'dw1'; did you mean 'dW1'?", "answers.dw1"),
        ({"dW1": [[1, 2], [3]]}, "dW1", "ragged", "answers.dW1[1]"),
        ({"dW1": [[1, 2], [3, "1,5"], [5, 6]]}, "dW1", "decimal comma", "answers.dW1[1][1]"),
        ({"dW1": [[1, True]] * 3}, "dW1", "not true", "answers.dW1[0][1]"),
        ({"dW1": [[1, 2, 3]] * 2}, "dW1", "expected 3×2, not 2×3", "answers.dW1"),
        ({"dW1": 0.5}, "dW1", "expected 3×2, not a single number", "answers.dW1"),
        ({"dW1": {}}, "dW1", "not an object", "answers.dW1"),
        ({"dW1": []}, "dW1", "an empty list", "answers.dW1"),
    ],
)
def test_malformed_answers_never_stop_the_rest(mlp, answers, name, message, path):
    items, found = graded(mlp, {**answers, "Z2": [["0.482"]]})
    assert items[name].verdict == "malformed"
    assert items[name].points == 0
    assert message in items[name].message
    assert items[name].path == path
    assert items["Z2"].verdict == "correct"
    assert found.points == 1.0


@pytest.mark.parametrize("blank", [None, [None], [[None]], [[None], [None, None]], [[None] * 2] * 3, [[None] * 3] * 2])
def test_null_is_not_answered_whatever_its_shape(mlp, blank):
    items, found = graded(mlp, {"dW1": blank, "dZ1": blank, "Z1": blank})
    assert {items[name].verdict for name in ("dW1", "dZ1", "Z1")} == {"missing"}
    assert items["dW1"].message == "not answered"
    assert items["dW1"].cells is None
    assert found.first_error is None
    left_out = graded(mlp, {})[1]
    assert (found.points, found.max_points) == (left_out.points, left_out.max_points)
    assert graded(mlp, {"Z1": blank}, ask=["Z1", "A1"])[1].max_points == 2.0


def test_shapes_are_alike_without_axes_of_length_one(mlp):
    truth = compute(mlp, ["dW2", "dZ2", "A1"])
    answers = {"dW2": truth["dW2"].ravel().tolist(), "dZ2": float(truth["dZ2"].item()), "A1": truth["A1"].T.tolist()}
    found = verdicts(mlp, answers)
    assert [found[name] for name in answers] == ["correct"] * 3


def test_a_transposed_answer_is_told_as_such():
    rng = np.random.default_rng(0)
    problem = read_problem(random_network(rng, [3, 4, 2], ["tanh", "softmax"], {"kind": "cross_entropy"}))
    items, _ = graded(problem, {"dW1": compute(problem, ["dW1"])["dW1"].T.tolist()})
    assert items["dW1"].verdict == "malformed"
    assert items["dW1"].named is not None
    assert items["dW1"].named.mistake.family == "transpose"
    assert items["dW1"].message == "expected 3×4, not 4×3"


def test_an_infinite_derivative_is_not_graded():
    wire = {
        "network": {"layers": [{"weights": [[800.0]], "activation": "sigmoid"}], "loss": "binary_cross_entropy"},
        "inputs": [[1.0]],
        "labels": [[0]],
    }
    items, found = graded(read_problem(wire), {"dA1": [[1]], "dZ1": [[1]]})
    assert (items["dA1"].verdict, items["dA1"].max_points) == ("ungradable", 0)
    assert items["dZ1"].verdict == "correct"
    assert found.score == 0.5  # dZ1 is right, dW1 is missing


def test_an_unconfirmed_key_grades_nobody():
    problem = read_problem({"graph": {"expressions": ["J = x ** p"]}, "values": {"x": -2.0, "p": 3.0}})
    with pytest.raises(KeyUnconfirmed, match="dp is not a number here"):
        Key(problem)


def test_points_credit_and_aliases(mlp):
    answers = {"grad_2": [["0.0880"], ["0.0340"]], "dZ2": [["0.0901"]]}
    policy = {"ask": ["dZ2", "dW2"], "points": {"dW2": 3}, "follow_through": 0.5, "aliases": {"grad_2": "dW2"}}
    items, found = graded(mlp, answers, **policy)
    assert (items["dW2"].verdict, items["dW2"].points, items["dW2"].max_points) == ("follow_through", 1.5, 3.0)
    assert (found.points, found.max_points, found.score) == (1.5, 4.0, 0.375)
    items, _ = graded(mlp, {"grad_2": [[1], [2]], "dW2": [[1], [2]]}, aliases={"grad_2": "dW2"})
    assert "'dW2' is answered twice: as 'grad_2' and as 'dW2'" in items["dW2"].message


@pytest.mark.parametrize(
    ("answers", "policy"),
    [
        ({"dJ/dc": "9"}, {"ask": ["dc"]}),
        ({"dc": "9"}, {"ask": ["dJ/dc"]}),
        ({"grad": "9"}, {"ask": ["dc"], "aliases": {"grad": "dJ/dc"}}),
        ({"grad": "9"}, {"ask": ["dJ/dc"], "aliases": {"grad": "dc"}}),
    ],
)
def test_the_derivative_of_the_output_counts_under_either_of_its_names(answers, policy):
    problem = read_problem({"graph": {"expressions": ["J = 3 * (a + b * c)"]}, "values": {"a": 5, "b": 3, "c": 2}})
    _, found = graded(problem, answers, **policy)
    assert found.score == 1.0
    _, found = graded(problem, {**answers, "dc": "9", "dJ/dc": "8"}, ask=["dc"])
    assert found.score == 1.0


def test_tolerances_of_the_policy_act(mlp):
    close = (compute(mlp, ["dW2"])["dW2"] * 1.004).tolist()
    assert verdicts(mlp, {"dW2": close})["dW2"] == "wrong"
    loose = {"mode": "relative", "relative": 0.01, "absolute": 0}
    assert verdicts(mlp, {"dW2": close}, tolerance=loose)["dW2"] == "correct"
    assert verdicts(mlp, {"dW2": close}, tolerance={"mode": "significant", "digits": 2})["dW2"] == "correct"


@pytest.mark.parametrize(
    ("policy", "kind", "path", "sentence"),
    [
        ({"asks": []}, BadProblem, "policy.asks", "did you mean 'ask'"),
        ({"ask": []}, BadProblem, "policy.ask", "an empty list: expected names of quantities"),
        ({"ask": ["dW3"]}, UnknownName, "policy.ask[0]", "did you mean 'dW"),
        ({"ask": ["X"]}, BadProblem, "policy.ask[0]", "'X' is given, not computed"),
        ({"ask": [3]}, BadProblem, "policy.ask[0]", "not the number 3"),
        ({"points": {"dW1": -1}}, BadNumbers, "policy.points.dW1", "at least 0"),
        ({"ask": ["dW1"], "points": {"dW2": 1}}, BadProblem, "policy.points.dW2", "'ask' does not ask for it"),
        ({"follow_through": 2}, BadNumbers, "policy.follow_through", "from 0 to 1, not 2"),
        ({"feedback": "all"}, UnknownName, "policy.feedback", "known are: score, hint, full"),
        ({"aliases": {"dW1": "dW2"}}, BadProblem, "policy.aliases.dW1", "is a quantity itself"),
        ({"aliases": {"a": "nothing"}}, UnknownName, "policy.aliases.a", "quantity 'nothing'"),
        ({"tolerance": {"mode": "exact"}}, UnknownName, "policy.tolerance.mode", "mode 'exact'"),
        ({"tolerance": {}}, BadProblem, "policy.tolerance.mode", "needs the field 'mode'"),
        ([], BadProblem, "policy", "expected an object"),
    ],
)
def test_a_bad_policy_is_refused_in_words(mlp, policy, kind, path, sentence):
    with pytest.raises(kind) as refusal:
        read_policy(policy, mlp)
    assert refusal.value.path == path
    assert sentence in refusal.value.message


def test_answers_must_be_an_object(mlp):
    with pytest.raises(EngineError, match="an object of answers by name"):
        grade(mlp, [1, 2])


WRONG = {"Z1": [["3.7", "-0.5"]], "A2": [["0.77"]], "dZ2": [["0.0901"]], "dW2": [[1, 2], [3]], "dW1": [["0.1", "0.2"]] * 3}


def numbers_in(value):
    """Every number in a JSON value, and every number written in its text."""
    if isinstance(value, dict):
        return [x for name, each in value.items() if name not in ("key", "versions") for x in numbers_in(each)]
    if isinstance(value, list):
        return [x for each in value for x in numbers_in(each)]
    if isinstance(value, bool) or value is None:
        return []
    return [float(value)] if isinstance(value, int | float) else []


@pytest.mark.parametrize("feedback", ["score", "hint"])
def test_below_full_no_number_of_the_key_is_shown(mlp, feedback):
    key = Key(mlp)
    told = shown(key, key.grade(WRONG, read_policy({"feedback": feedback}, mlp)), feedback)
    text = json.dumps(told)
    truths = compute(mlp, [name for name in computed_names(mlp) if "/" not in name])
    submitted = {"A2": 0.77, "dZ2": 0.0901}
    for name, truth in truths.items():
        for expected in truth.ravel().tolist():
            if expected in (0.0, 1.0, -1.0):
                continue
            forbidden = [expected, -expected, expected - submitted.get(name, 0.0), submitted.get(name, 0.0) - expected]
            for number in forbidden:
                assert f"{abs(number):.6g}" not in text, name
                assert not any(abs(each - number) <= 1e-6 * abs(number) for each in numbers_in(told) if each), name
    assert set(told["certificate"]) == {"method", "status"}


def test_what_each_level_shows(mlp):
    key = Key(mlp)
    levels = {
        level: shown(key, key.grade(WRONG, read_policy({"feedback": level}, mlp)), level)
        for level in ("score", "hint", "full")
    }
    by_name = {level: {item["name"]: item for item in told["items"]} for level, told in levels.items()}
    assert "first_error" not in levels["score"]
    assert set(by_name["score"]["dZ2"]) == {"name", "points", "max_points"}
    assert by_name["score"]["dW2"]["verdict"] == "malformed"
    assert levels["hint"]["first_error"] == "A2"
    assert by_name["hint"]["A2"]["cells"] == [[False]]
    assert by_name["hint"]["A2"]["formula"]["text"] == "A2 = 1 / (1 + exp(-Z2))"
    assert "expected" not in by_name["hint"]["A2"]
    assert by_name["full"]["A2"]["expected"] == [[0.6181096227568209]]
    assert by_name["full"]["dZ2"]["worked"].startswith("dZ2 = dA2 * A2 * (1 - A2) = ")
    assert by_name["full"]["dZ2"]["worked"].endswith(" = [[-0.09015]]")
    assert levels["full"]["certificate"]["coordinates"] == 16  # all but those of dX
    assert levels["full"]["key"] == levels["score"]["key"]


def test_the_same_request_gives_the_same_grade(mlp):
    texts = {json.dumps(shown(Key(mlp), grade(mlp, WRONG), "full"), sort_keys=True) for _ in range(5)}
    assert len(texts) == 1


def test_the_digest_is_that_of_the_problem_and_not_of_its_spelling():
    network = CASES["mlp-3-2-1"]["problem"]
    spelled = json.loads(json.dumps(network))
    spelled["network"]["orientation"] = "in_out"
    spelled["inputs"] = [[1.0, 2.0, 3.0]]
    changed = json.loads(json.dumps(network))
    changed["inputs"] = [[1.0, 2.0, 3.5]]
    digests = [Key(read_problem(each)).digest for each in (network, spelled, changed)]
    assert digests[0] == digests[1] != digests[2]
    assert digests[0].startswith("sha256:")


def test_one_key_grades_many(mlp):
    key = Key(mlp)
    policy = read_policy({}, mlp)
    right = {name: value.tolist() for name, value in compute(mlp, ["dW1", "dW2"]).items()}
    scores = [key.grade(answers, policy).score for answers in (right, {}, WRONG, right)]
    assert scores == [1.0, 0.0, scores[2], 1.0]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_truth_is_correct_in_every_case(case):
    problem = read_problem(case["problem"])
    answers = {name: value for name, value in case["truth"].items() if name in computed_names(problem) or "/" in name}
    items, found = graded(problem, answers, ask=list(answers))
    assert {name: item.verdict for name, item in items.items() if item.verdict != "correct"} == {}
    assert found.score == 1.0


def test_every_row_explains_itself_to_a_student():
    for code, mistake in MISTAKES.items():
        assert code == mistake.code
        assert mistake.message[0].isupper(), code
        assert mistake.message.endswith("."), code
        assert len(mistake.message) < 160, code


def test_distinguish_tells_an_author_what_a_problem_cannot_tell():
    problem = read_problem(CASES["logistic-three-examples"]["problem"])
    by_code = {each.code: each for each in distinguish(problem)}
    assert by_code["missing_one_over_m"].tells_apart
    assert "dW1" in by_code["missing_one_over_m"].at
    assert "transposed" in by_code
    one = read_problem(CASES["logistic-sentiment-step"]["problem"])
    assert "missing_one_over_m" not in {each.code for each in distinguish(one)}  # m = 1: there is nothing to forget
    zero = {
        each.code: each for each in distinguish(read_problem({"graph": {"expressions": ["J = x * x"]}, "values": {"x": 0}}))
    }
    assert "truth" in zero["sign_flipped"].same_as
    assert not zero["sign_flipped"].tells_apart


def test_only_what_is_asked_earns_points(mlp):
    truth = {name: value.tolist() for name, value in compute(mlp, ["Z1", "A1", "Z2"]).items()}
    items, found = graded(mlp, {"dW1": [[9, 9]] * 3, **truth}, ask=["dW1"])
    assert (found.points, found.max_points) == (0.0, 1.0)
    assert (items["Z1"].verdict, items["Z1"].max_points) == ("correct", 0.0)


def test_the_first_error_is_the_earliest_even_if_it_cannot_be_read(mlp):
    items, found = graded(mlp, {"Z1": [["abc", 1]], "dW1": [[9, 9]] * 3}, ask=["dW1"])
    assert found.first_error == "Z1"
    assert next(iter(items)) == "Z1"


def test_nothing_infinite_is_shown():
    problem = read_problem({"graph": {"expressions": ["f = sqrt(x) + y"]}, "values": {"x": 0.0, "y": 1.0}})
    key = Key(problem)
    told = shown(key, key.grade({"dx": "abc", "dy": 2}, read_policy({"feedback": "full"}, problem)), "full")
    json.dumps(told, allow_nan=False)
    assert {item["name"]: item["verdict"] for item in told["items"]} == {"dx": "ungradable", "dy": "wrong"}


def test_local_derivatives_of_products_are_shown():
    layer = {"weights": [[-2.4, -0.6], [0.7, 0]], "activation": "softmax"}
    network = {"layers": [layer], "layout": "columns", "orientation": "in_out", "loss": "cross_entropy"}
    problem = read_problem({"network": network, "inputs": [[-0.3, 0.3, 4.6], [3.6, 0.4, 0.7]], "labels": [[0.5] * 3] * 2})
    key = Key(problem)
    told = shown(key, key.grade({"Z1/W1": "1e-3", "A1/Z1": "1"}, read_policy({}, problem)), "full")
    assert {item["verdict"] for item in told["items"] if "/" in item["name"]} == {"malformed"}


@pytest.mark.parametrize("text", ["1\n2", "1e-400", "0e-9999", "٣", "5e-324", "1e308", "-1e308"])
def test_odd_texts_stop_nothing(mlp, text):
    found = verdicts(mlp, {"Z1": [[text, text]], "A1": [[text, text]], "dW2": [[text], ["0.1"]], "dZ2": text})
    assert set(found.values()) <= {"wrong", "malformed", "missing", "follow_through"}


def test_one_digit_below_a_power_of_ten_is_too_few():
    problem = read_problem({"graph": {"expressions": ["f = x * y"]}, "values": {"x": 0.996, "y": 1.0}})
    for written, verdict in (("0.9", "wrong"), ("1.0", "correct"), ("0.99", "correct"), (1.0, "correct")):
        assert verdicts(problem, {"f": written})["f"] == verdict, written


COARSE = "Right as far as it goes, but rounded too coarsely: give at least 2 significant digits."
TINY = {"graph": {"expressions": ["f = x * y"]}, "values": {"x": 0.0952, "y": 1.0}}


@pytest.mark.parametrize(
    ("tolerance", "written", "says"),
    [
        (
            {"mode": "as_written"},
            "0.10",
            "Right as far as it goes, but rounded too coarsely: give at least 2 significant digits.",
        ),
        (
            {"mode": "as_written"},
            "0.0",
            "Right as far as it goes, but rounded too coarsely: give at least 2 significant digits.",
        ),
        ({"mode": "as_written", "min_significant": 4}, "0.095", "give at least 4 significant digits."),
        ({"mode": "significant", "digits": 3}, "0.1", "give at least 3 significant digits."),
        ({"mode": "decimals", "digits": 3}, "0.10", "give at least 3 decimals."),
        ({"mode": "significant", "digits": 3}, "0.0953", "was something rounded on the way?"),
        ({"mode": "as_written"}, "0.20", "No known mistake explains"),
        ({"mode": "as_written"}, 0, "No known mistake explains"),
        ({"mode": "relative"}, "0.10", "No known mistake explains"),
    ],
)
def test_a_wrong_answer_is_never_without_a_word(tolerance, written, says):
    problem = read_problem(TINY)
    key, policy = Key(problem), read_policy({"tolerance": tolerance, "ask": ["f"]}, problem)
    found = key.grade({"f": written}, policy)
    for level in ("hint", "full"):
        item = shown(key, found, level)["items"][0]
        assert item["verdict"] == "wrong"
        assert says in item["message"]
    assert "0952" not in json.dumps(shown(key, found, "hint"))
    assert "message" not in shown(key, found, "score")["items"][0]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ([(1, 2)], "One of 12 entries is wrong: dW1[1][2]."),
        ([(0, 1), (2, 3)], "2 of 12 entries are wrong; the first is dW1[0][1]."),
        ([(0, 0), (0, 2), (1, 1), (2, 3)], "was something rounded on the way?"),
    ],
)
def test_few_wrong_entries_are_told_from_a_wrong_rule(wrong, says):
    """Rounding, and a wrong rule, would show in most of them."""
    rng = np.random.default_rng(1)
    layer = {"weights": rng.normal(size=(3, 4)).tolist(), "bias": [0.1, 0.2, 0.3, 0.4], "activation": "tanh"}
    network = {"layers": [layer], "loss": "squared_error"}
    inputs, labels = rng.normal(size=(5, 3)).tolist(), rng.normal(size=(5, 4)).tolist()
    problem = read_problem({"network": network, "inputs": inputs, "labels": labels})
    answer = problem.run().gradients["W1"].copy()
    for place in wrong:
        answer[place] += 0.02 * np.abs(answer).max()
    items, _ = graded(problem, {"dW1": answer.tolist()}, ask=["dW1"])
    assert says in items["dW1"].message


def test_where_nothing_is_wrong_no_place_is_named():
    assert few_wrong("dW1", np.ones((3, 4), dtype=bool)) == ""
    assert few_wrong("dW1", np.array([[True, False], [True, True]])) == "One of 4 entries is wrong: dW1[0][1]."


DEEP = {
    "network": {
        "layers": [
            {"weights": [[0.3, -0.7, 0.2], [0.5, 0.1, -0.4]], "activation": "sigmoid"},
            {"weights": [[0.6, -0.2, 0.9], [-0.8, 0.4, 0.1], [0.2, 0.7, -0.5]], "activation": "tanh"},
            {"weights": [[0.5], [-0.6], [0.3]], "activation": "sigmoid"},
        ],
        "loss": "squared_error",
    },
    "inputs": [[0.4, -1.2], [1.1, 0.3], [-0.6, 0.8], [0.2, 0.5]],
    "labels": [[0.1], [0.9], [0.4], [0.7]],
}


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_a_mistake_before_the_answer_is_told_with_its_place(layer):
    """Only dW1 is asked; the formula that is shown is that of the place."""
    problem = read_problem(DEEP)
    run = problem.run()
    d = run.gradients["A3"]
    for number in (3, 2, 1):
        A = run[f"A{number}"]
        slope = 1.0 - A**2 if number == 2 else A * (1.0 - A)
        d = d if number == layer else d * slope
        dW, d = run["X" if number == 1 else f"A{number - 1}"].T @ d, d @ run[f"W{number}"].T
    key = Key(problem)
    found = key.grade({"dW1": dW.tolist()}, read_policy({"ask": ["dW1"]}, problem))
    item = shown(key, found, "hint")["items"][0]
    assert item["diagnosis"]["code"] == "missing_activation_derivative"
    assert item["diagnosis"]["at"] == f"dZ{layer}"
    assert item["message"] == f"In dZ{layer}: The derivative of the activation is missing."
    assert item["formula"]["text"].startswith(f"dZ{layer} = ")


def test_a_mistake_in_the_answer_itself_or_anywhere_has_no_place():
    """A forgotten 1/m gives the same dW1 wherever it was forgotten."""
    problem = read_problem(DEEP)
    key, right = Key(problem), problem.run().gradients
    for name, wrong in (("dZ2", right["A2"]), ("dW1", -right["W1"]), ("dW1", 4.0 * right["W1"])):
        found = key.grade({name: wrong.tolist()}, read_policy({"ask": [name]}, problem))
        item = shown(key, found, "hint")["items"][0]
        assert item["verdict"] == "wrong"
        assert "diagnosis" in item
        assert "at" not in item["diagnosis"]
        assert item["formula"]["text"].startswith(f"{name} = ")


def test_who_gets_nothing_for_what_follows_is_told_why(mlp):
    items, _ = graded(mlp, {"dZ2": [["0.00"]], "dW2": [["0.00"], ["0.00"]], "dW1": [[0, 0]] * 3})
    assert items["dW1"].verdict == "wrong"
    assert "An earlier answer leaves nothing to compute here" in items["dW1"].message


def test_worked_lines_have_parentheses_only_where_they_are_needed():
    expressions = ["P = A @ B", "q = sum(P) * c", "r = c ** 2", "f = q + r"]
    values = {"A": [[1, 2], [-1, 0.5]], "B": [[-1], [3]], "c": -2}
    problem = read_problem({"graph": {"expressions": expressions}, "values": values})
    key = Key(problem)
    names = ["P", "q", "r", "dc"]
    told = shown(key, key.grade({}, read_policy({"feedback": "full", "ask": names}, problem)), "full")
    worked = {item["name"]: item["worked"] for item in told["items"]}
    assert worked["P"] == "P = A @ B = [[1, 2], [-1, 0.5]] @ [[-1], [3]] = [[5], [2.5]]"
    assert worked["q"] == "q = sum(P) * c = sum([[5], [2.5]]) * (-2) = -15"
    assert worked["r"] == "r = c ** 2 = (-2) ** 2 = 4"


def test_too_few_digits_to_tell_are_no_unknown_mistake():
    """W1_new was ascent, and b1_new may be; but that it is 0.06 tells nothing."""
    layer = {"weights": [[0.5]], "bias": [0.05], "activation": "sigmoid"}
    wire = {
        "network": {"layers": [layer], "loss": "squared_error"},
        "inputs": [[1.0], [2.0]],
        "labels": [[1], [0]],
        "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    }
    items, _ = graded(read_problem(wire), {"W1_new": "0.51996", "b1_new": "0.055737"})
    assert [items[name].verdict for name in ("W1_new", "b1_new")] == ["wrong", "follow_through"]
    items, _ = graded(read_problem(wire), {"W1_new": "0.51996", "b1_new": "0.00"})
    assert (items["b1_new"].verdict, items["b1_new"].named) == ("wrong", None)


SCALARS = {
    "graph": {"expressions": ["v1 = x1 * x2", "v2 = exp(x1)", "v3 = v1 + v2", "f = log(v3)"]},
    "values": {"x1": 2, "x2": 3},
}


def test_the_output_s_total_derivative_is_its_gradient():
    problem = read_problem(SCALARS)
    truth = float(compute(problem, ["dx1"])["dx1"])
    items, _ = graded(problem, {"df/dx1": truth}, ask=["dx1"])
    assert {name: item.verdict for name, item in items.items()} == {"dx1": "correct"}
    items, _ = graded(problem, {"df/dx1": truth, "dx1": 9}, ask=["dx1"])  # each for itself
    assert {name: item.verdict for name, item in items.items()} == {"dx1": "wrong", "df/dx1": "correct"}
    items, _ = graded(problem, {"df/dx1": truth}, ask=["df/dx1"])
    assert list(items) == ["df/dx1"]
    items, _ = graded(problem, {"dv3/dx1": truth}, ask=["dx1"])
    assert items["dx1"].verdict == "missing"
