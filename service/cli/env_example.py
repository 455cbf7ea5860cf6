"""The file `.env.example`, made from the class of the settings."""

from __future__ import annotations

from collections.abc import Iterator

from service.settings import PREFIX, Settings

HEAD = """\
# Settings of Verigrad, made by `verigrad settings --env-example`. Copy this to .env, which Compose reads, fill in what is
# asked for, and take away the # of what you change. docs/operations.md tells how it is used, docs/settings.md has all
# settings in a table.
"""
COMPOSE = """\
# For docker-compose.yml alone: the password of its database. Make it at random before the first start. The database keeps
# it, so that another has to be set there, too (ALTER USER).
POSTGRES_PASSWORD=
# For the compose files alone: where this machine offers the service. Others reach it once you leave out the address.
#PUBLISH=127.0.0.1:8000
"""
OF_THE_MACHINE = {"processes": "one a core", "job_workers": "one a core"}


def env_example() -> str:
    return "\n".join([HEAD, COMPOSE, *entries()])


def entries() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        variable = f"{PREFIX}{name.upper()}"
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        if name in OF_THE_MACHINE:
            default, remark = "", f" If not set: {OF_THE_MACHINE[name]}."
        else:
            remark = ""
        yield f"# {field.description}{remark}\n#{variable}={default}\n"
