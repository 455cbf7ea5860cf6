"""What a person sees on a terminal of 80 columns."""

import io
import re

import orjson
import pytest

from engine import read_problem
from service.cli.locate import locate, place_of
from service.cli.show import show, show_problem
from service.contract.examples import CHECK, GRADE, GRADE_BATCH, GRADIENTS, MISTAKES, TRAIN
from service.operations.allowance import Allowance
from service.work.perform import perform
from tests.terminal import on_a_terminal

EXAMPLES = {
    "gradients": GRADIENTS,
    "check": CHECK,
    "grade": GRADE,
    "grade_batch": GRADE_BATCH,
    "mistakes": MISTAKES,
    "train": TRAIN,
}
CASES = [
    pytest.param(operation, example.body, id=f"{operation}-{key}")
    for operation, table in EXAMPLES.items()
    for key, example in table.items()
]


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def shown(operation, body):
    stream = io.StringIO()
    show(operation, orjson.loads(perform(operation, orjson.dumps(body), Allowance()).content), stream)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def told(body, operation="gradients"):
    stream = io.StringIO()
    reply = perform(operation, body, Allowance())
    assert reply.status >= 400
    show_problem(orjson.loads(reply.content), body, "task.json", stream)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


@pytest.mark.parametrize(("operation", "body"), CASES)
def test_everything_fits(operation, body):
    lines = shown(operation, body).splitlines()
    assert len(lines) > 2
    assert all(len(line) <= 80 for line in lines)


def test_gradients():
    assert (
        shown("gradients", GRADIENTS["step"].body)
        == """\
node     made by                       value       gradient of J
────────────────────────────────────────────────────────────────
X        input                         [[3]        [[0]
                                        [2]]        [0]]
W1       parameter                     [[0 0]]     [[-1.5 -1. ]]
b1       parameter                     [0]         [-0.5]
Z1       dense(X, W1, b1)              [[0]]       [[-0.5]]
A1       sigmoid(Z1)                   [[0.5]]     [[-2]]
Y        input                         [[1]]       –
losses   binary_cross_entropy(A1, Y)   [0.69315]   [1]
J        mean(losses)                  0.693147    1

after one step   value
──────────────────────────────
W1_new           [[0.15 0.1 ]]
b1_new           [0.05]

certificate: agrees (increment)"""
    )


def test_check():
    assert (
        shown("check", CHECK["submitted"].body)
        == """\
gradient   verdict     largest error     bound   where
────────────────────────────────────────────────────────────────────────────────
dW2        disagrees            0.18   8.8e-08   [0, 0]: 0.0879703, not
                                                 -0.0879703; 1 more; the sign is
                                                 flipped
dA2        agrees            2.8e-09   3.8e-07

disagrees: 3 entries compared by increment"""
    )


def test_a_check_says_why_it_refuses_what_lies_at_a_kink():
    wire = {"graph": {"expressions": ["J = max(x)"]}, "values": {"x": [2.0, 2.0, 1.0]}, "gradients": {"dx": [1.0, 1.0, 0.0]}}
    assert "no one subgradient has them" in " ".join(shown("check", wire).split())


def test_grade():
    assert (
        shown("grade", GRADE["graph"].body)
        == """\
quantity   verdict   points
────────────────────────────────────────────────────────────────────────────────
du         correct   1 of 1   expected: 3
                              du = dv = 3 = 3
dc         wrong     0 of 1   This is the derivative with respect to the other
                              operand of the same operation.
                              dc = du * b
                              expected: 9
                              dc = du * b = 3 * 3 = 9
db         correct   1 of 1   expected: 6
                              db = du * c = 3 * 2 = 6

2 of 3 points (66.7%), first error at dc
certificate: agrees (increment)"""
    )


def test_an_answer_in_another_shape_is_told_for_what_it_is_besides():
    layer = {"weights": [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], "activation": "identity"}
    problem = {"network": {"layers": [layer], "loss": "squared_error"}, "inputs": [[1, 2]], "labels": [[1, 2, 3]]}
    right = read_problem(problem).run().gradients["W1"]
    words = " ".join(shown("grade", {**problem, "answers": {"dW1": right.T.tolist()}}).split())
    assert "expected 2×3, not 3×2" in words
    assert "outer product" in words
    assert "outer product" not in " ".join(
        shown("grade", {**problem, "answers": {"dW1": right.T.tolist()}, "policy": {"feedback": "score"}}).split()
    )


def test_grades_of_many():
    body = GRADE_BATCH["batch"].body
    body = {**body, "submissions": [*body["submissions"], {"id": "dora", "answers": []}]}
    assert (
        shown("grade_batch", body)
        == """\
submission   points    score
────────────────────────────────────────────────────────────────────────────────
ada          3 of 3   100.0%
blaise       2 of 3    66.7%   first error at dc
carl         1 of 3    33.3%   first error at du
dora              –        –   expected an object of answers by name, not a list
                               (at submissions[3].answers)

3 of 4 graded, mean score 66.7%"""
    )


def test_training():
    lines = shown("train", TRAIN["graph"].body).splitlines()
    assert lines[0].split() == ["step", "epoch", "cost"]  # gradients are not recorded
    assert [line.split()[0] for line in lines[2:23]] == [*map(str, range(1, 11)), "…", *map(str, range(284, 294))]
    assert "converged: 293 steps, cost 0.0714291" in lines


def test_an_error_points_into_the_input():
    body = b"""{
  "network": {
    "layers": [{"weights": [[0.1, 0.2], [0.3, true]], "activation": "sigmoid"}],
    "loss": "squared_error"
  },
  "inputs": [[1, 2]],
  "labels": [[1, 1]]
}
"""
    assert (
        told(body)
        == """\
error: These are not the numbers expected here
expected a number, not true
  network.layers[0].weights[1][1] (task.json, line 3, column 47):
        "layers": [{"weights": [[0.1, 0.2], [0.3, true]], "activation": "sigmoid
                                                  ^"""
    )


def test_an_error_in_a_long_line_is_shown_with_what_is_around_it():
    numbers = b",".join(b"%d" % number for number in range(1, 60))
    body = b'{"graph": {"expressions": ["J = sum(x)"]}, "values": {"x": [%s,"\xe4\xb8\x80",%s]}}' % (numbers, numbers)
    *_, line, mark = told(body).splitlines()
    assert len(line) <= 80
    assert line[mark.index("^") :].startswith('"一",1,2')


def test_an_error_of_form_is_pointed_at_too():
    assert told(b'{"graph":\n  {"x": NaN}}').splitlines()[-2:] == ['      {"x": NaN}}', "            ^"]


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("", "{"),
        ("a", "[1"),
        ("a[0]", "1,"),
        ("a[1].b", '"x"'),
        ("a[2][0][1]", "9]"),
        ("a[7]", "[1"),
        ("a.c", "[1"),
        ("answers.dA1/dW1", "5,"),
        ("answers.my.name[0]", "6]"),
        ("answers.my", "7}"),
        ("missing", "{"),
        ("é", '"z"'),
    ],
)
def test_a_path_leads_to_its_value_or_to_what_is_around_it(path, there):
    text = """{ "a" : [1, {"b": "x"}, [[8,9]]],
      "answers": {"dA1/dW1": 5, "my.name": [6], "my": 7}, "\\u00e9": "z"}"""
    assert text[locate(text, path) :].startswith(there)


def test_lines_and_columns_count_from_one():
    assert [(place_of("ab\ncd", offset).line, place_of("ab\ncd", offset).column) for offset in (0, 1, 3, 5)] == [
        (1, 1), (1, 2), (2, 1), (2, 3),
    ]  # fmt: skip


def test_a_terminal_gets_tables_and_colours(tmp_path):
    file = tmp_path / "task.json"
    file.write_bytes(orjson.dumps(CHECK["submitted"].body))
    status, drawn = on_a_terminal("check", "--fail", str(file))
    assert status == 1
    assert "\x1b[1;31mdisagrees\x1b[0m" in drawn
    assert re.sub(r"\x1b\[[0-9;]*m", "", drawn).splitlines()[0].split()[:2] == ["gradient", "verdict"]
    assert all(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= 80 for line in drawn.splitlines())


def test_a_terminal_gets_errors_in_words_or_json_if_asked(tmp_path):
    missing = str(tmp_path / "task.json")
    status, drawn = on_a_terminal("check", missing, NO_COLOR="1", TERM="dumb")
    assert (status, drawn.splitlines()[0]) == (2, "error: The input cannot be read")
    status, drawn = on_a_terminal("check", "--json", missing)
    assert (status, orjson.loads(drawn)["title"]) == (2, "The input cannot be read")
