"""README is true: its curl lines are answered as it says, its tables and its folder list are those of the code."""

import re
from pathlib import Path

import httpx

from engine.check import METHODS
from service.app import create_app
from service.settings import Settings
from tests.documents import blocks
from tests.serving import Served, free_port, pasted

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_curl_lines_are_answered():
    solve, check, grade = (block.code for block in blocks(ROOT / "README.md") if block.code.startswith("curl "))
    with Served("--port", str(free_port())) as served:
        assert "http://127.0.0.1:8000/" in solve  # the address that `scripts/serve` listens on unless told otherwise
        answer = pasted(solve.replace("http://127.0.0.1:8000", served.address))
        nodes = {node["name"]: node for node in answer["nodes"]}
        assert nodes["c"]["gradient"] == 9  # as the sentence below it says
        assert answer["certificate"]["status"] == "agrees"
        assert pasted(check.replace("http://127.0.0.1:8000", served.address))["status"] == "disagrees"
        found = pasted(grade.replace("http://127.0.0.1:8000", served.address))
        verdicts = {item["name"]: item["verdict"] for item in found["items"]}
        assert verdicts == {"du": "correct", "db": "correct", "dc": "wrong"}  # as the sentence below it says
        assert (found["first_error"], found["score"]) == ("dc", 0.666667)
        diagnosis = next(item["diagnosis"] for item in found["items"] if item["name"] == "dc")
        assert diagnosis["code"] == "sibling_gradient"
        for page in ("/docs", "/healthz", "/v1/catalog"):
            assert httpx.get(served.address + page, trust_env=False).status_code == 200


def test_the_addresses_are_those_of_the_service():
    rows = re.findall(r"^\| `POST (\S+)`", README, flags=re.MULTILINE)
    assert rows == [path for path, methods in create_app(Settings()).openapi()["paths"].items() if "post" in methods]
    named = set(re.findall(r"VERIGRAD_(\w+)", README))
    assert named
    assert named <= {name.upper() for name in Settings.model_fields}


def test_the_methods_are_those_of_the_table():
    rows = re.findall(r"^\| `(\w+)`", README, flags=re.MULTILINE)
    assert rows == list(METHODS)


def test_the_folders_are_those_of_the_project():
    (listing,) = re.findall(r"## How it is built\n\n(.*?)\n\n", README, flags=re.DOTALL)
    paths: list[str] = []
    for line in listing.splitlines():
        folder = line.split()[0]
        parent = next(path for path in reversed(paths) if path.count("/") == 1) if line.startswith("      ") else ""
        paths.append(parent + folder)
    for path in paths:
        assert (ROOT / path).is_dir(), path
    packages = {f"{each.parent.relative_to(ROOT)}/" for each in ROOT.glob("[es]*/*/__init__.py")}
    assert "engine/ops/" in packages
    assert packages <= set(paths)


def test_the_scripts_exist():
    for name in re.findall(r"scripts/\w+", README):
        assert (ROOT / name).is_file(), name
    for name in re.findall(r"benchmarks/\w+\.py", README):
        assert (ROOT / name).is_file(), name
