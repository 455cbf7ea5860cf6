"""`verigrad settings`: every setting with its value and where that comes from; never a secret."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from service.cli.exits import DONE
from service.cli.serve import OPTIONS, add, add_options, refuse, say, settings_of

EPILOG = """\
for example:
  verigrad settings
  verigrad settings --env-example > .env.example

Options and variables are those of `verigrad serve`: see docs/settings.md.
"""
HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Row:
    variable: str
    value: Any
    source: str
    """`default`, `environment` or `command line`."""
    description: str


def add_commands(commands: Any) -> None:
    command = add(commands, "settings", "show the settings, with their values and sources", EPILOG)
    add_options(command)
    command.add_argument("--json", action="store_true", help="write JSON to a terminal too, as to a file or a pipe")
    command.add_argument("--env-example", action="store_true", help="instead, write a file of variables to fill in")
    command.set_defaults(run=run, parser=command)


def run(given: argparse.Namespace) -> int:
    from service.cli.env_example import env_example
    from service.settings import BadSetting, unknown_variables

    if given.env_example:
        return say(env_example())
    try:
        settings = settings_of(given, *OPTIONS)
    except BadSetting as error:
        return refuse(given, error)
    chosen = [name for name in OPTIONS if getattr(given, name) is not None]
    answer = {"settings": [asdict(row) for row in rows(settings, chosen)], "unknown": unknown_variables()}
    if given.json or sys.stdout is None or not sys.stdout.isatty():
        return say(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode() + "\n")
    from service.cli.show import show

    show("settings", answer, sys.stdout)
    return DONE


def rows(settings: Any, chosen: Collection[str]) -> Iterator[Row]:
    for name, field in type(settings).model_fields.items():
        given = "environment" if name in settings.model_fields_set else "default"
        value = getattr(settings, name)
        yield Row(
            variable=variable(name),
            value=shown(name, value, secret=not field.repr),
            source="command line" if name in chosen else given,
            description=field.description or "",
        )


def variable(name: str) -> str:
    return f"VERIGRAD_{name.upper()}"


def shown(name: str, value: Any, *, secret: bool) -> Any:
    if not secret or not value:
        return value if isinstance(value, bool | int | float) else str(value)
    return without_secrets(value) if name == "database_url" else HIDDEN


def without_secrets(address: str) -> str:
    """Of a database, with what tells where it is; parameters may be passwords too."""
    from sqlalchemy import make_url

    url = make_url(address)
    return url.set(query=dict.fromkeys(url.query, HIDDEN)).render_as_string(hide_password=True)
