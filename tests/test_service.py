"""The service answers as the engine does: worked examples, options and numbers that JSON cannot hold, through HTTP."""

import json
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from engine.grading.mistakes import MISTAKES
from engine.ops import ACTIVATIONS, OPS
from engine.optimizers import OPTIMIZERS
from engine.problems.loss_rules import LOSS_RULES
from service import VERSION
from service.app import create_app
from service.contract.examples import GRADIENTS
from service.settings import BadSetting, Settings

CASES = json.loads((Path(__file__).parent / "worked_examples.json").read_text(encoding="utf-8"))["cases"]
GRAPH = GRADIENTS["graph"].body
client = TestClient(create_app(Settings()), raise_server_exceptions=False)


def post(path, body):
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def quantities(solution):
    """All that a response tells, by flat name."""
    found = {**solution.get("updates", {})}
    for node in solution["nodes"]:
        found[node["name"]] = node["value"]
        found[f"d{node['name']}"] = node["gradient"]
        found |= {f"{node['name']}/{each['input']}": each["value"] for each in node.get("local", [])}
    return found | {name: each["value"] for name, each in solution.get("jacobians", {}).items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_worked_example(case):
    totals = [name for name in case["truth"] if name.startswith("d") and "/d" in name]
    solution = post("/v1/gradients", {**case["problem"], "include": ["local", "formulas"], "jacobians": totals})
    found = quantities(solution)
    for name, truth in case["truth"].items():
        expected, given = np.array(truth), np.array(found[name], dtype=float)
        assert given.shape == expected.shape, name
        assert np.abs(given - expected).max() <= 1e-12 * max(1.0, np.abs(expected).max()), name
    assert solution["value"] == found[solution["output"]]
    assert solution["certificate"]["status"] in ("agrees", "kink")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_own_gradients_pass_their_check(case):
    assert post("/v1/check", case["problem"])["status"] in ("agrees", "kink")


def test_solution_has_the_parts_that_were_asked_for():
    bare = {node["name"]: node for node in post("/v1/gradients", GRAPH)["nodes"]}
    assert bare["x"] == {"name": "x", "kind": "parameter", "inputs": [], "shape": [], "value": 2.0, "gradient": 4.0}
    full = {node["name"]: node for node in post("/v1/gradients", {**GRAPH, "include": ["local", "formulas"]})["nodes"]}
    assert full["f"]["local"] == [
        {"input": "q", "shape": [], "value": 4.0},
        {"input": "z", "shape": [], "value": 5.0},
    ]
    assert full["q"]["formula"] == {"text": "dq = z", "latex": "dq = z"}
    assert full["q"]["value_formula"] == {"text": "q = x + y", "latex": "q = x + y"}
    assert "value_formula" not in full["x"]


def test_null_counts_as_not_given():
    options = {"include": None, "jacobians": None, "constants": None, "optimizer": None}
    assert post("/v1/gradients", {**GRAPH, **options}) == post("/v1/gradients", GRAPH)


def test_infinite_gradient_is_null_with_a_reason():
    layer = {"weights": [[-800.0]], "activation": "sigmoid"}
    network = {"layers": [layer], "loss": "binary_cross_entropy"}
    solution = post("/v1/gradients", {"network": network, "inputs": [[1]], "labels": [[1]]})
    nodes = {node["name"]: node for node in solution["nodes"]}
    assert nodes["A1"]["gradient"] == [[None]]
    assert nodes["A1"]["reason"] == "dA1[0][0] is infinite"
    assert nodes["Z1"]["gradient"] == [[-1.0]]
    assert "reason" not in nodes["Z1"]


def test_infinite_update_is_null_with_a_reason():
    optimizer = {"kind": "sgd", "learning_rate": 1e308}
    solution = post(
        "/v1/gradients",
        {**GRAPH, "values": {"x": 2, "y": 3, "z": [4e8, 2e8]}, "optimizer": optimizer}
        | {"graph": {"expressions": ["q = x + y", "f = sum(q * z)"]}},
    )
    assert solution["updates"]["x_new"] is None
    assert "x_new is infinite" in solution["reason"]


def test_constant_has_no_gradient_and_says_so():
    nodes = post("/v1/gradients", {**GRAPH, "constants": ["z"]})["nodes"]
    constant = next(node for node in nodes if node["name"] == "z")
    assert constant["kind"] == "input"
    assert constant["gradient"] is None
    assert constant["reason"] == "z is a constant: it has no gradient"


def test_check_of_submitted_gradients():
    found = post("/v1/check", {**GRAPH, "gradients": {"dx": 4, "dz": -5}})
    assert found["status"] == "disagrees"
    assert [(each["name"], each["status"]) for each in found["gradients"]] == [("dx", "agrees"), ("dz", "disagrees")]
    worst = found["gradients"][1]["worst"]
    assert worst["submitted"] == -5.0
    assert worst["numeric"] == pytest.approx(5.0)


def test_check_options_reach_the_engine():
    found = post("/v1/check", {**GRAPH, "method": "directional", "step": 1e-4, "seed": 7, "tolerance": 0.5})
    assert (found["method"], found["step"], found["seed"]) == ("directional", 1e-4, 7)
    wide = post("/v1/check", {**GRAPH, "gradients": {"dx": 5}, "tolerance": 0.5})
    assert wide["status"] == "agrees"


def test_drawn_seed_repeats_the_check():
    drawn = post("/v1/check", {**GRAPH, "gradients": {"dx": 9}, "method": "directional"})
    again = post("/v1/check", {**GRAPH, "gradients": {"dx": 9}, "method": "directional", "seed": drawn["seed"]})
    assert again["gradients"] == drawn["gradients"]


def test_catalog_has_every_row():
    catalog = client.get("/v1/catalog").json()
    tables = {table: rows for table, rows in catalog.items() if table != "conventions"}
    names = {table: [row.get("name") or row["code"] for row in rows] for table, rows in tables.items()}
    assert names == {
        "ops": [name for name, op in OPS.items() if op.in_expressions],
        "activations": list(ACTIVATIONS),
        "losses": list(LOSS_RULES),
        "optimizers": list(OPTIMIZERS),
        "check_methods": ["increment", "central", "complex_step", "directional"],
        "mistakes": list(MISTAKES),
        "tolerances": ["as_written", "relative", "significant", "decimals"],
    }
    for table in ("ops", "activations", "losses", "check_methods"):
        assert all(len(row["summary"]) > 5 for row in catalog[table]), table
    by_name = {row["name"]: row for row in catalog["ops"]}
    assert by_name["tanh"]["formula"] == {"value": "tanh(x)", "gradients": ["d * (1 - out**2)"]}
    assert {"name": "low", "required": True} in by_name["clip"]["options"]
    assert by_name["relu"]["at_kinks"] == "0 at 0"
    tolerances = {row["name"]: row for row in catalog["tolerances"]}
    assert tolerances["decimals"] == {
        "name": "decimals",
        "options": [{"name": "digits", "required": False, "default": 4}],
        "formula": "|s − t| ≤ ½·10^(−digits)",
    }
    assert all(row["formula"] for row in tolerances.values())
    momentum = next(row for row in catalog["optimizers"] if row["name"] == "momentum")
    assert [option["name"] for option in momentum["options"]] == ["learning_rate", "weight_decay", "momentum", "schedule"]
    assert momentum["recurrence"][-1] == "p = p - learning_rate * velocity"
    assert momentum["state"] == ["velocity"]


def test_health():
    assert client.get("/healthz").json() == {"status": "ok"}


def test_settings_come_from_the_environment(monkeypatch):
    for name, value in {"HOST": "::1", "PORT": "0", "MAX_BODY": "1000", "DEADLINE": ""}.items():
        monkeypatch.setenv(f"VERIGRAD_{name}", value)
    assert Settings.from_environment() == Settings(host="::1", port=0, max_body=1000)
    assert Settings.from_environment(port=9) == Settings(host="::1", port=9, max_body=1000)
    monkeypatch.setenv("VERIGRAD_PORT", "http")
    with pytest.raises(BadSetting, match="VERIGRAD_PORT must be a valid whole number, not 'http'"):
        Settings.from_environment()
    monkeypatch.setenv("VERIGRAD_PORT", "70000")
    with pytest.raises(BadSetting, match="VERIGRAD_PORT must be less than or equal to 65535, not '70000'"):
        Settings.from_environment()


def test_version_is_that_of_the_project():
    pyproject = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{VERSION}"\n' in pyproject
