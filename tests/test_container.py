"""The Dockerfile and the compose files: what tools say of them, and what they promise. Nothing here needs Docker."""

import argparse
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from service import VERSION
from service.cli import parser
from service.settings import Settings
from tests.docker_commands import check, shown_commands
from tests.serving import PATIENCE, ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
FILES = ("docker-compose.yml", "compose.sqlite.yml")
COMPOSED = {name: yaml.safe_load((ROOT / name).read_text()) for name in FILES}
SERVICES = [(file, name) for file in FILES for name in COMPOSED[file]["services"]]
SECRETS = ("VERIGRAD_KEYS", "POSTGRES_PASSWORD", "PGPASSWORD")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def instructions():
    """Word and rest of each, in their order, lines put together."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [line.split(None, 1) for line in text.splitlines() if line.strip()]


def tool(name, *arguments):
    """A program that a package of the tests brings along."""
    command = [str(Path(sys.executable).parent / name), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)


def service(file, name):
    return COMPOSED[file]["services"][name]


def test_hadolint_finds_nothing():
    done = tool("hadolint", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("file", FILES)
def test_the_compose_files_are_of_the_schema(file):
    done = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)
    assert done.returncode == 0, done.stdout


def test_the_image_is_run_by_a_number_that_owns_its_one_volume():
    last = {word: rest for word, rest in instructions() if word != "RUN"}
    assert last["USER"] == "10001:10001"
    assert last["VOLUME"] == "/data"
    assert "--owner=10001 --group=10001 --mode=0700 /data" in DOCKERFILE
    assert "VERIGRAD_DATA_DIR=/data" in DOCKERFILE


def test_the_image_ends_as_the_service_does():
    last = dict(instructions())
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert (last["ENTRYPOINT"], last["CMD"]) == ('["verigrad"]', '["serve"]')  # no shell in between, which would keep it
    assert last["HEALTHCHECK"].endswith('CMD ["verigrad", "healthy"]')


def test_both_stages_have_one_python_and_nothing_that_a_registry_must_add():
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE) == ["python:3.13-slim-trixie"] * 2
    assert "syntax=" not in DOCKERFILE


def test_the_source_comes_after_what_is_pinned():
    copied = [rest.split()[0] for word, rest in instructions() if word == "COPY"]
    assert copied.index("requirements.lock") < copied.index("engine") < copied.index("service")
    assert all("--require-hashes" in rest for word, rest in instructions() if word == "RUN" and "--requirement" in rest)


def test_all_that_is_copied_reaches_the_build():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == kept
    assert all((ROOT / each).exists() for each in copied)


def test_the_labels_are_those_of_the_project():
    assert PROJECT["project"]["version"] == VERSION
    assert f'org.opencontainers.image.version="{VERSION}"' in DOCKERFILE
    assert f'org.opencontainers.image.description="{PROJECT["project"]["description"]}"' in DOCKERFILE
    assert f'org.opencontainers.image.licenses="{PROJECT["project"]["license"]}"' in DOCKERFILE
    for name in ("title", "source", "revision", "created"):
        assert f"org.opencontainers.image.{name}=" in DOCKERFILE


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_every_service_is_watched_and_confined(file, name):
    given = service(file, name)
    assert given["healthcheck"]["test"][0] == "CMD"
    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert given["mem_limit"]
    assert given["pids_limit"]
    assert given["networks"] == list(COMPOSED[file]["networks"]) == ["verigrad"]
    assert given["restart"] == "unless-stopped"
    assert "/tmp" in given["tmpfs"]
    assert not given.get("privileged")


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_no_secret_is_written_down(file, name):
    for variable, value in service(file, name)["environment"].items():
        if variable in SECRETS and value:
            assert re.fullmatch(r"\$\{\w+:(\?[^}]+|-)\}", value), variable
    if name == "postgres":
        assert ":?" in service(file, name)["environment"]["POSTGRES_PASSWORD"]


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_its_variables_are_settings_that_can_be_used(file, name, monkeypatch):
    """With what is asked for filled in, and the defaults of the file."""
    values = {"VERIGRAD_KEYS": f"autograder:grade:{'ab' * 32}", "POSTGRES_PASSWORD": "secret", "PUBLISH": ""}
    chosen = service(file, name)["environment"]
    for variable in [each for each in os.environ if each.startswith("VERIGRAD_")]:
        monkeypatch.delenv(variable)
    for variable, value in chosen.items():
        if variable.startswith("VERIGRAD_"):
            assert variable.removeprefix("VERIGRAD_").lower() in Settings.model_fields
            filled = re.sub(r"\$\{(\w+):([-?])([^}]*)\}", lambda m: values.get(m[1]) or m[3] * (m[2] == "-"), value)
            monkeypatch.setenv(variable, filled)
    settings = Settings.from_environment()
    if "VERIGRAD_MEMORY" in chosen:
        units = {"g": 2**30}
        limit = int(service(file, name)["mem_limit"][:-1]) * units[service(file, name)["mem_limit"][-1]]
        assert settings.processes * settings.memory + min(settings.job_workers, 1) * settings.job_memory < limit


@pytest.mark.parametrize("file", FILES)
def test_it_says_in_env_example_what_it_asks_for(file):
    example = (ROOT / ".env.example").read_text()
    for variable in re.findall(r"\$\{(\w+)", (ROOT / file).read_text()):
        assert re.search(rf"^#?{variable}=", example, flags=re.MULTILINE), variable


def test_who_needs_the_database_waits_until_it_is_healthy():
    for name in ("api", "worker"):
        assert service("docker-compose.yml", name)["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert service("docker-compose.yml", "postgres")["image"] == "postgres:17"


def test_a_stopped_container_is_given_longer_than_the_service_needs():
    grace = Settings.model_fields["grace"].default
    for file, name in SERVICES:
        assert int(service(file, name)["stop_grace_period"].removesuffix("s")) > grace + 3


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_what_it_runs_is_a_command(file, name):
    given = service(file, name)
    if given["image"] == "verigrad":
        assert parser().parse_args(given.get("command", ["serve"])).run
        assert given["healthcheck"]["test"][1] == "verigrad"
        assert parser().parse_args(given["healthcheck"]["test"][2:]).run


def test_docker_commands_of_the_pages_are_meant_for_these_files():
    found = list(shown_commands())
    assert "operations.md" in {page for page, _ in found}
    for page, line in found:
        try:
            check(line)
        except (AssertionError, SystemExit) as error:
            raise AssertionError(f"{page}: {line}: {error}") from error


@pytest.mark.parametrize(
    "line",
    [
        "docker compose up api elsewhere",
        "docker compose -f other.yml up",
        "docker compose up --scale api=2",
        "docker compose exec api verigrad restart",
        "docker compose exec api sh",
        "docker run --env VERIGRAD_JOBWORKERS=1 verigrad",
        "docker build --build-arg WHEN=now .",
        "docker system prune",
    ],
)
def test_others_are_found(line):
    with pytest.raises((AssertionError, SystemExit, argparse.ArgumentError)):
        check(line)
