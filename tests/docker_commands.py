"""What README and docs/ show of Docker, held against the Dockerfile and the compose files. No Docker is needed."""

import argparse
import re
import shlex

import yaml

from service.cli import parser
from service.settings import Settings
from tests.documents import PAGES
from tests.serving import ROOT

FILES = ("docker-compose.yml", "compose.sqlite.yml")
SERVICES = sorted({name for file in FILES for name in yaml.safe_load((ROOT / file).read_text())["services"]})
ARGUMENTS = set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE))
POSTGRESQL = ("pg_dump", "pg_restore", "psql", "createdb", "dropdb")


def shown_commands():
    """What the pages show of Docker, one command a line. They are indented, and so not run: tests need no Docker."""
    for page in PAGES:
        text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
        for line in re.findall(r"^    (?:\$ )?(docker .*)$", text, flags=re.MULTILINE):
            yield page.name, line.partition("  #")[0].strip()


def check(line):
    """Raises where a command does not fit the image, a compose file, or the command line of Verigrad."""
    words = shlex.split(re.split(r"\s[<>|]\s", line)[0])
    if words[:2] == ["docker", "build"]:
        named = {words[at + 1].partition("=")[0] for at, word in enumerate(words) if word == "--build-arg"}
        assert named <= ARGUMENTS
        assert words[-1] == "."
    elif words[:2] == ["docker", "run"]:
        at = words.index("verigrad")
        variables = [words[each + 1].partition("=")[0] for each in range(at) if words[each] == "--env"]
        assert all(each.removeprefix("VERIGRAD_").lower() in Settings.model_fields for each in variables)
        parser().parse_args(words[at + 1 :] or ["serve"])
    else:
        assert words[:2] == ["docker", "compose"]
        compose_command().parse_args(words[2:])


def compose_command():
    """The part of Docker Compose that the pages use."""
    made = argparse.ArgumentParser(prog="docker compose", exit_on_error=False)
    made.add_argument("-f", "--file", choices=FILES, default=FILES[0])
    verbs = made.add_subparsers(required=True)

    def verb(name, *flags, services="*"):
        one = verbs.add_parser(name)
        for flag in flags:
            one.add_argument(flag, action="store_true")
        one.add_argument("services", nargs=services, choices=[*SERVICES, []] if services == "*" else SERVICES)
        return one

    up = verb("up", "--detach", "--wait", "--build")
    up.add_argument("--scale", type=scale)
    for name in ("stop", "start", "ps", "build"):
        verb(name)
    verb("logs", "--follow")
    verb("down")
    for name, flags in (("exec", ("--no-TTY", "-T")), ("run", ("--rm", "--no-deps", "--build"))):
        one = verb(name, *flags, services=1)
        one.add_argument("words", nargs=argparse.REMAINDER, action=Words)
    return made


def scale(text):
    name, number = text.split("=")
    assert name == "worker"
    return int(number)


class Words(argparse.Action):
    """What is run in a container: after `run SERVICE` by its entry point, after `exec SERVICE` as it is."""

    def __call__(self, made, namespace, words, option=None):
        (name,) = namespace.services
        if name == "postgres":
            assert words[0] in POSTGRESQL
            return
        runs = made.prog.split()[-1] == "run"
        assert runs or words[0] == "verigrad"
        parser().parse_args(words if runs else words[1:])
