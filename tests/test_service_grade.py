"""Grading over HTTP: answers as they are written, one bad item that never fails the rest, and a key that does not leak."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.errors import KeyRefuted, KeyUnconfirmed
from engine.grading.mistakes import MISTAKES
from service.app import create_app
from service.contract.examples import GRADE, GRADE_BATCH, SIBLINGS
from service.operations.certificates import CERTIFICATES
from service.settings import Settings
from tests.contract import SCHEMAS, closed, validate
from tests.problems import CASES
from tests.test_service_errors import problem

client = TestClient(create_app(Settings(max_submissions=5, inline=1)), raise_server_exceptions=False)
MLP = CASES["mlp-3-2-1"]["problem"]
PRINTED = {name: case for name, case in CASES.items() if case["printed"]}
CLOSED = closed(SCHEMAS)
SATURATED: dict[str, Any] = {
    "network": {"layers": [{"weights": [[-800.0]], "activation": "sigmoid"}], "loss": "binary_cross_entropy"},
    "inputs": [[1]],
    "labels": [[1]],
}


def graded(body, path="/v1/grade"):
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    found = response.json()
    validate(found, "GradeResponse" if path == "/v1/grade" else "GradeBatchResponse", CLOSED)
    return found


def verdicts(grade):
    return {item["name"]: item["verdict"] for item in grade["items"]}


def by_name(grade):
    return {item["name"]: item for item in grade["items"]}


def batch(*submissions, **more):
    body = {**SIBLINGS, "submissions": list(submissions), **more}
    return graded(body, "/v1/grade/batch")["results"]


def submission(name, **answers):
    return {"id": name, "answers": answers}


@pytest.mark.parametrize("case", PRINTED.values(), ids=PRINTED)
@pytest.mark.parametrize("feedback", ["hint", "full"])
def test_what_the_notes_print_is_graded_as_a_person_would(case, feedback):
    body = {**case["problem"], "answers": case["printed"], "policy": {"ask": list(case["printed"]), "feedback": feedback}}
    validate(body, "GradeRequest")
    grade = graded(body)
    if case["id"] == "mlp-3-2-1":
        right = dict.fromkeys(["Z1", "A1", "Z2", "A2"], "correct")
        assert verdicts(grade) == {**right, "dZ2": "wrong", "dW2": "follow_through", "dW1": "follow_through"}
        assert grade["first_error"] == "dZ2"
        assert by_name(grade)["dZ2"]["diagnosis"]["family"] == "sign"
        assert (grade["score"], grade["points"], grade["max_points"]) == (0.857143, 6, 7)
    elif case["id"] == "cross-entropy-table":
        assert verdicts(grade) == {"losses": "missing"}
        assert by_name(grade)["losses"]["cells"] == [True, False, False, False, False]
    else:
        assert set(verdicts(grade).values()) == {"correct"}
        assert (grade["score"], grade["first_error"]) == (1, None)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_truth_has_all_points(case):
    known = client.post("/v1/gradients", json={**case["problem"], "include": ["local"]}).json()
    given = {node["name"] for node in known["nodes"] if "op" not in node}
    answers = {name: value for name, value in case["truth"].items() if name not in given}
    grade = graded({**case["problem"], "answers": answers, "policy": {"ask": list(answers), "feedback": "full"}})
    assert set(verdicts(grade).values()) == {"correct"}
    assert grade["score"] == 1
    assert grade["certificate"]["status"] in ("agrees", "kink")
    assert set(by_name(grade)) == set(answers)


def test_the_sibling_is_named_and_the_worked_line_shown():
    grade = graded(GRADE["graph"].body)
    item = by_name(grade)["dc"]
    assert (item["verdict"], item["diagnosis"]["code"]) == ("wrong", "sibling_gradient")
    assert (item["expected"], item["worked"]) == (9, "dc = du * b = 3 * 3 = 9")
    assert (grade["score"], grade["first_error"]) == (0.666667, "dc")
    assert "coordinates" in grade["certificate"]


def test_a_policy_is_followed():
    body = GRADE["policy"].body
    grade = graded(body)
    assert [(item["name"], item["points"]) for item in grade["items"]] == [("dW1", 1), ("W1_new", 2), ("b1_new", 1)]
    wrong = {**body, "answers": {**body["answers"], "gradient": [["1.5", "1.0"]], "w": [["-0.15", "-0.1"]]}}
    items = by_name(graded(wrong))
    assert items["dW1"]["verdict"] == "wrong"
    assert (items["W1_new"]["verdict"], items["W1_new"]["points"]) == ("follow_through", 1)


def test_null_counts_as_no_policy():
    body = {**SIBLINGS, "answers": {"dc": 9}}
    assert graded({**body, "policy": None}) == graded(body)


def test_an_infinite_derivative_is_not_graded():
    body = {**SATURATED, "answers": {"dA1": [["x"]]}, "policy": {"ask": ["dA1", "dZ1"], "feedback": "full"}}
    items = by_name(graded(body))
    assert (items["dA1"]["verdict"], items["dA1"]["max_points"]) == ("ungradable", 0)
    assert "expected" not in items["dA1"]
    assert items["dZ1"]["expected"] == [[-1]]
    assert by_name(graded({**body, "answers": {"dA1": [[7]]}}))["dA1"]["verdict"] == "ungradable"


@pytest.mark.parametrize(
    ("answers", "name", "path", "words"),
    [
        ({"dw2": 1}, "dw2", "answers.dw2", "did you mean 'dW2'?"),
        ({"W1": [[1]]}, "W1", "answers.W1", "is given, not computed"),
        ({"dW2": [["1,5"], ["2"]]}, "dW2", "answers.dW2[0][0]", "decimal comma"),
        ({"dW2": [[1], [True]]}, "dW2", "answers.dW2[1][0]", "not true"),
        ({"dW2": [[1, 2], [3]]}, "dW2", "answers.dW2[1]", "ragged"),
        ({"dW2": {"a": 1}}, "dW2", "answers.dW2", "not an object"),
        ({"grad": [[1, 2, 3]]}, "dW2", "answers.grad", "expected 2×1, not 1×3"),
        ({"grad": [], "Z1": [["3.7", "-0.5"]]}, "dW2", "answers.grad", "an empty list"),
    ],
)
@pytest.mark.parametrize("feedback", ["score", "hint", "full"])
def test_a_malformed_answer_is_an_item_with_its_path(answers, name, path, words, feedback):
    policy = {"aliases": {"grad": "dW2"}, "feedback": feedback}
    item = by_name(graded({**MLP, "answers": answers, "policy": policy}))[name]
    assert (item["verdict"], item["points"], item["path"]) == ("malformed", 0, path)
    assert words in item["message"]
    (result,) = graded({**MLP, "policy": policy, "submissions": [{"id": "", "answers": answers}]}, "/v1/grade/batch")[
        "results"
    ]
    assert by_name(result["grade"])[name]["path"] == f"submissions[0].{path}"


GIVEN = {**SIBLINGS, "answers": {"dc": 6}}
MANY = {**SIBLINGS, "submissions": [submission("s1", dc=6), submission("s2", dc=9)]}
POWER = {"graph": {"expressions": ["J = x ** p"]}, "values": {"x": -2.0, "p": 3.0}}


def policy(**fields):
    return {**GIVEN, "policy": fields}


BAD: dict[str, tuple[str, Any, str, str]] = {
    "no answers": ("grade", SIBLINGS, "bad-problem", "answers"),
    "answers null": ("grade", {**SIBLINGS, "answers": None}, "bad-problem", "answers"),
    "answers a list": ("grade", {**SIBLINGS, "answers": [6]}, "bad-problem", "answers"),
    "answers a text": ("grade", {**SIBLINGS, "answers": "dc = 6"}, "bad-problem", "answers"),
    "too many answers": ("grade", {**SIBLINGS, "answers": dict.fromkeys(map(str, range(1001)), 1)}, "too-large", "answers"),
    "a list": ("grade", [], "bad-problem", ""),
    "no problem": ("grade", {"answers": {}}, "bad-problem", ""),
    "field of the batch": ("grade", {**GIVEN, "submissions": []}, "bad-problem", "submissions"),
    "field of another endpoint": ("grade", {**GIVEN, "gradients": {}}, "bad-problem", "gradients"),
    "misspelt field": ("grade", {**GIVEN, "polcy": {}}, "bad-problem", "polcy"),
    "the problem itself": ("grade", {**GIVEN, "values": {"a": 5, "b": 3}}, "unknown-name", "graph.expressions[0]"),
    "policy a list": ("grade", {**GIVEN, "policy": []}, "bad-problem", "policy"),
    "policy's field": ("grade", policy(asks=["dc"]), "bad-problem", "policy.asks"),
    "asks nothing": ("grade", policy(ask=[]), "bad-problem", "policy.ask"),
    "asks for what is not": ("grade", policy(ask=["dc", "dd"]), "unknown-name", "policy.ask[1]"),
    "asks for what is given": ("grade", policy(ask=["b"]), "bad-problem", "policy.ask[0]"),
    "asks for a number": ("grade", policy(ask=[3]), "bad-problem", "policy.ask[0]"),
    "negative points": ("grade", policy(points={"dc": -1}), "bad-numbers", "policy.points.dc"),
    "endless points": ("grade", policy(points={"dc": 1e308, "db": 1e308}), "bad-numbers", "policy.points.dc"),
    "points of nothing": ("grade", policy(points={"dz": 1}), "unknown-name", "policy.points.dz"),
    "too much credit": ("grade", policy(follow_through=1.5), "bad-numbers", "policy.follow_through"),
    "feedback": ("grade", policy(feedback="all"), "unknown-name", "policy.feedback"),
    "alias that is a name": ("grade", policy(aliases={"db": "dc"}), "bad-problem", "policy.aliases.db"),
    "alias of nothing": ("grade", policy(aliases={"c": "dz"}), "unknown-name", "policy.aliases.c"),
    "mode": ("grade", policy(tolerance={"mode": "exact"}), "unknown-name", "policy.tolerance.mode"),
    "no mode": ("grade", policy(tolerance={"digits": 3}), "bad-problem", "policy.tolerance.mode"),
    "half a digit": (
        "grade",
        policy(tolerance={"mode": "decimals", "digits": 0.5}),
        "bad-numbers",
        "policy.tolerance.digits",
    ),
    "unconfirmed": ("grade", {**POWER, "answers": {}}, "key-unconfirmed", ""),
    "no submissions": ("grade/batch", SIBLINGS, "bad-problem", "submissions"),
    "submissions by name": ("grade/batch", {**SIBLINGS, "submissions": {"s1": {}}}, "bad-problem", "submissions"),
    "too many": ("grade/batch", {**MANY, "submissions": [submission(str(i)) for i in range(6)]}, "too-large", "submissions"),
    "submission a list": ("grade/batch", {**MANY, "submissions": [[]]}, "bad-problem", "submissions[0]"),
    "nobody's": (
        "grade/batch",
        {**MANY, "submissions": [submission("a"), {"answers": {}}]},
        "bad-problem",
        "submissions[1].id",
    ),
    "id a number": ("grade/batch", {**MANY, "submissions": [submission(7)]}, "bad-problem", "submissions[0].id"),
    "id twice": ("grade/batch", {**MANY, "submissions": [submission("a")] * 2}, "bad-problem", "submissions[1].id"),
    "batch with answers": ("grade/batch", {**MANY, "answers": {}}, "bad-problem", "answers"),
    "batch's policy": ("grade/batch", {**MANY, "policy": {"ask": "dc"}}, "bad-problem", "policy.ask"),
    "batch unconfirmed": ("grade/batch", {**POWER, "submissions": []}, "key-unconfirmed", ""),
    "mistakes with answers": ("mistakes", GIVEN, "bad-problem", "answers"),
    "mistakes of nothing": ("mistakes", {}, "bad-problem", ""),
    "mistakes unconfirmed": ("mistakes", POWER, "key-unconfirmed", ""),
}


@pytest.mark.parametrize(("endpoint", "body", "kind", "path"), BAD.values(), ids=BAD.keys())
def test_bad_input(endpoint, body, kind, path):
    document = problem(client.post(f"/v1/{endpoint}", json=body), 422, kind)
    error, *_ = document["errors"]
    assert error["path"] == path
    assert error["message"] in document["detail"]
    validate(document, "ProblemDocument", CLOSED)


def test_a_batch_grades_as_one_by_one():
    """Whatever the others ask for: dX, for example, has the key confirmed anew."""
    answers: list[dict[str, Any]] = [
        CASES["mlp-3-2-1"]["printed"],
        {"dX": [[1, 2, 3]]},
        {},
        {"Z1": [["3.7", "-0.5"]], "dW3": 1},
    ]
    for feedback in ("score", "hint", "full"):
        body = {**MLP, "policy": {"feedback": feedback}}
        submissions = [{"id": f"s{place}", "answers": each} for place, each in enumerate(answers)]
        results = graded({**body, "submissions": submissions}, "/v1/grade/batch")["results"]
        assert [each["id"] for each in results] == ["s0", "s1", "s2", "s3"]
        for result, each in zip(results, answers, strict=True):
            alone = json.dumps(graded({**body, "answers": each})).replace(
                '"path": "', f'"path": "submissions[{result["id"][1:]}].'
            )
            assert result["grade"] == json.loads(alone)


def test_one_bad_submission_never_fails_the_rest():
    right, lists, extra, absent, unread = batch(
        submission("right", du=3, db=6, dc=9),
        {"id": "lists", "answers": [3, 6, 9]},
        {"id": "extra", "answers": {}, "answer": {}},
        {"id": "absent"},
        submission("unread", dc="nine", du=[], nothing=1),
    )
    assert right["grade"]["first_error"] is None
    for failed, path in (
        (lists, "submissions[1].answers"),
        (extra, "submissions[2].answer"),
        (absent, "submissions[3].answers"),
    ):
        assert set(failed) == {"id", "error"}
        assert (failed["error"]["type"], failed["error"]["status"]) == ("/problems/bad-problem", 422)
        assert [error["path"] for error in failed["error"]["errors"]] == [path]
        assert path in failed["error"]["detail"]
    paths = {item["name"]: item["path"] for item in unread["grade"]["items"] if "path" in item}
    assert paths == {name: f"submissions[4].answers.{name}" for name in ("dc", "du", "nothing")}


def test_a_batch_of_nobody():
    assert batch() == []


@pytest.mark.parametrize(
    ("refusal", "kind", "status", "logged"),
    [
        (KeyRefuted("dX is doubtful"), "key-refuted", 500, ["KEY REFUTED: submissions[{}]: dX is doubtful"]),
        (KeyUnconfirmed("not every entry is finite"), "key-unconfirmed", 422, []),
        (RuntimeError("a secret of the inside"), "internal-error", 500, ["a fault at submissions[{}]"]),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_the_key_does_not_confirm_fails_only_who_asks_for_it(monkeypatch, caplog, refusal, kind, status, logged):
    """The gradient of the inputs is confirmed when somebody answers it, and refused to the next one as well."""
    certify = CERTIFICATES.certify

    def refuse(problem, run, *, gradients):
        if "X" in gradients:
            raise refusal
        return certify(problem, run, gradients=gradients)

    monkeypatch.setattr(CERTIFICATES, "certify", refuse)
    answers = [{"dX": [[1, 2, 3]]}, {"A2": [["0.618"]]}, {"dX": [[0, 0, 0]]}]
    submissions = [{"id": str(place), "answers": each} for place, each in enumerate(answers)]
    first, second, third = graded({**MLP, "submissions": submissions}, "/v1/grade/batch")["results"]
    for failed in (first, third):
        assert (failed["error"]["type"], failed["error"]["status"]) == (f"/problems/{kind}", status)
        assert "0.123" not in json.dumps(failed)
        assert "secret" not in json.dumps(failed)
    assert second["grade"]["points"] == 1
    found = [record.getMessage() for record in caplog.records if record.name == "verigrad"]
    assert found == [each.format(place) for place in (0, 2) for each in logged]


def test_the_limit_on_submissions_is_a_setting():
    submissions = [submission(str(place)) for place in range(6)]
    with TestClient(create_app(Settings(max_submissions=6))) as generous:
        assert len(generous.post("/v1/grade/batch", json={**SIBLINGS, "submissions": submissions}).json()["results"]) == 6
    document = client.post("/v1/grade/batch", json={**SIBLINGS, "submissions": submissions}).json()
    assert document["errors"][0]["message"] == "6 submissions; 5 is the most at once"


def key_numbers():
    """What a solution tells and neither the problem nor the answers below do, to four digits."""
    nodes = client.post("/v1/gradients", json=MLP).json()["nodes"]
    flat: list[Any] = [value for node in nodes if node["kind"] == "value" for value in (node["value"], node["gradient"])]
    while any(isinstance(each, list) for each in flat):
        flat = [each for value in flat for each in (value if isinstance(value, list) else [value])]
    return [f"{abs(each):.4g}" for each in flat if abs(each) not in (0, 1, 3.7, 0.5)]


@pytest.mark.parametrize("feedback", ["score", "hint"])
@pytest.mark.parametrize("path", ["/v1/grade", "/v1/grade/batch"])
def test_below_full_no_number_of_the_key_is_told_or_logged(feedback, path, caplog):
    caplog.set_level("DEBUG")
    answers = {
        "Z1": [["9.9", "-9.9"]],
        "A2": [["0.77"]],
        "dZ2": [["0.0999"]],
        "dW2": [[9, 8], [7]],
        "dX": [[9, 8, 7]],
        "dA2": 7,
    }
    body = {**MLP, "policy": {"feedback": feedback}}
    body |= {"answers": answers} if path == "/v1/grade" else {"submissions": [{"id": "a", "answers": answers}]}
    text = json.dumps(graded(body, path)) + caplog.text
    numbers = key_numbers()
    assert len(numbers) > 10
    assert [number for number in numbers if number in text] == []
    assert "max_error" not in text
    full = json.dumps(graded({**body, "policy": {"feedback": "full"}}, path))
    assert sum(number[:5] in full for number in numbers) > 5  # they would have been found


def test_an_unconfirmed_key_is_told_without_its_numbers():
    steep = {"graph": {"expressions": ["J = log(x)"]}, "values": {"x": 1e-200}, "answers": {"dx": 1}}
    document = problem(client.post("/v1/grade", json=steep), 422, "key-unconfirmed")
    assert document["detail"].endswith("not every entry is finite: a derivative or a difference overflows there")


def test_the_example_of_a_batch():
    ada, blaise, carl = graded(GRADE_BATCH["batch"].body, "/v1/grade/batch")["results"]
    assert [each["grade"]["score"] for each in (ada, blaise, carl)] == [1, 0.666667, 0.333333]
    assert by_name(carl["grade"])["dc"]["path"] == "submissions[2].answers.dc"


def test_mistakes_that_a_problem_tells_apart():
    found = client.post("/v1/mistakes", json=CASES["logistic-three-examples"]["problem"])
    assert found.status_code == 200
    validate(found.json(), "MistakesResponse", CLOSED)
    rows = {row["code"]: row for row in found.json()["mistakes"]}
    assert set(rows) <= set(MISTAKES)
    assert all(row["message"] == MISTAKES[code].message for code, row in rows.items())
    assert all(row["tells_apart"] == (row["same_as"] == []) for row in rows.values())
    assert rows["missing_one_over_m"]["tells_apart"]
    assert "dW1" in rows["missing_one_over_m"]["at"]
    zero = {"graph": {"expressions": ["J = x * x"]}, "values": {"x": 0}}
    rows = {row["code"]: row for row in client.post("/v1/mistakes", json=zero).json()["mistakes"]}
    assert "truth" in rows["sign_flipped"]["same_as"]
    assert not rows["sign_flipped"]["tells_apart"]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_mistakes_of_every_worked_example(case):
    response = client.post("/v1/mistakes", json=case["problem"])
    validate(response.json(), "MistakesResponse", CLOSED)


def test_mistakes_of_a_network_of_a_usual_size():
    """Local derivatives with millions of entries are asked of nobody; what is larger still is refused."""
    layers: list[dict[str, Any]] = [
        {"units": 40, "bias": True, "activation": "relu"},
        {"units": 10, "activation": "softmax"},
    ]
    body = {"network": {"layers": layers, "loss": "cross_entropy"}, "inputs": [[0.5] * 60] * 30, "labels": [1] * 30}
    rows = client.post("/v1/mistakes", json=body).json()["mistakes"]
    assert any("dW1" in row["at"] for row in rows)
    layers[0]["units"] = 30_000
    problem(client.post("/v1/mistakes", json=body), 422, "too-large")
