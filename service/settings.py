"""What an operator can set, each as VERIGRAD_ and the name of the field in capitals.

A variable that is empty counts as not set, as in a compose file that passes on what may be missing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from service.keys import read_keys

PREFIX = "VERIGRAD_"
ELSEWHERE = {f"{PREFIX}{name}" for name in ("URL", "KEY", "PROCESS")}
"""Variables of programs that ask a service, and the one by which its processes know their place."""
MB = 2**20

Seconds = Annotated[float, Field(gt=0, le=86_400)]


def checked_keys(text: str) -> str:
    read_keys(text)
    return text


class BadSetting(ValueError):
    """A setting that cannot be used; the sentence names the variable."""


class Settings(BaseSettings):
    """Every field has a default that suits one machine, and a description that the documentation repeats."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    host: str = "127.0.0.1"
    """Where to listen."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    """The port; 0 takes a free one."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Processes that answer requests."""
    data_dir: Path = Path("data")
    """Where jobs and keys are kept, unless there is a database elsewhere."""
    database_url: Annotated[str, Field(repr=False)] = ""
    """A database for jobs and keys, as postgresql://user:password@host/name; a file in the data directory if not set."""
    database_wait: Annotated[float, Field(ge=0, le=86_400)] = 60
    """Seconds that the database is waited for when the service starts; then it ends."""

    keys: Annotated[str, AfterValidator(checked_keys), Field(repr=False)] = ""
    """Keys beside those in the database: name:scope:sha256 each, with commas between. Scopes: grade, compute, admin."""
    allow_anonymous: bool = False
    """Listen beyond this machine without keys. With keys it changes nothing."""
    rate: Annotated[int, Field(ge=0, le=10_000_000)] = 6_000
    """Requests a minute, to each process that answers, of one key, or of one address without a key; 0 for any number."""

    log_format: Literal["auto", "json", "text"] = "auto"
    """How lines of the log are written: json, text, or auto: text on a terminal, json elsewhere."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged: debug, info, warning or error. Checks of health and metrics are logged with debug."""

    max_body: Annotated[int, Field(ge=1, le=2**32)] = 32 * MB
    """Bytes of a request's body that are accepted."""
    max_header: Annotated[int, Field(ge=256, le=16 * MB)] = 32 * 2**10
    """Bytes of a request's line and headers that are accepted."""
    max_connections: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    """Connections that one process holds open."""
    max_submissions: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    """Submissions that one batch may have."""
    max_layers: Annotated[int, Field(ge=1, le=1_000)] = 64
    """Layers that a network may have."""
    max_elements: Annotated[int, Field(ge=1, le=10**9)] = 10_000_000
    """Numbers held by all nodes of a problem together."""
    max_numbers: Annotated[int, Field(ge=1, le=10**9)] = 2_000_000
    """Numbers that one answer may hold, each some 20 bytes."""

    header_timeout: Seconds = 10
    """Seconds from the opening of a connection, or from the first byte of a later request, to the end of its headers."""
    body_timeout: Seconds = 60
    """Seconds from there to the end of the body."""
    keep_alive: Seconds = 30
    """Seconds that a connection may rest between two requests."""
    grace: Seconds = 10
    """Seconds that requests under way are given when the service is stopped."""

    processes: Annotated[int, Field(ge=1, le=256)] = os.cpu_count() or 1
    """Processes beside each that answers requests, for what takes longer than a moment."""
    inline: Annotated[float, Field(ge=0, le=1)] = 0.004
    """Seconds of work, as estimated, that are done at once instead of in one of these."""
    budget: Seconds = 20
    """Seconds of work, as estimated, that one request may ask for, and a check may cost; more is for a job."""
    kept_replies: Annotated[int, Field(ge=0, le=2**40)] = 32 * MB
    """Bytes of replies that are kept, so that who asks the same again is answered at once; 0 for none."""
    deadline: Seconds = 30
    """Seconds after which the work for one request is ended, whatever was estimated."""
    max_waiting: Annotated[int, Field(ge=1, le=100_000)] = 64
    """Requests that wait for a process; more are turned away."""
    memory: Annotated[int, Field(ge=256 * MB, le=2**50)] = 4 * 2**30
    """Bytes of memory that each of these processes may take."""

    job_workers: Annotated[int, Field(ge=0, le=1_000)] = os.cpu_count() or 1
    """Processes that do jobs, one job each at a time; 0 leaves them to `verigrad worker` elsewhere."""
    max_jobs: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Jobs of one key that are queued or running; more are turned away."""
    job_seconds: Annotated[float, Field(gt=0, le=31_536_000)] = 3_600
    """Seconds of work after which a job is ended."""
    job_memory: Annotated[int, Field(ge=64 * MB)] = 2_048 * MB
    """Bytes of memory that a job may take."""
    job_attempts: Annotated[int, Field(ge=1, le=1_000)] = 3
    """How often in a row, without getting any further, a job's process may be lost before the job has failed."""
    job_heartbeat: Seconds = 1
    """Seconds between two signs of life of a worker."""
    job_lease: Seconds = 5
    """Seconds without one after which another worker takes over its job."""
    job_retention: Annotated[float, Field(gt=0, le=315_360_000)] = 604_800
    """Seconds that a finished job and its result are kept."""

    @classmethod
    def from_environment(cls, **chosen: Any) -> Settings:
        """What is chosen on the command line, then the environment, then the defaults."""
        try:
            made = cls(**chosen)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            name = PREFIX + str(first["loc"][0]).upper()
            if first["type"] == "value_error":  # a sentence from this project, for what must not be repeated
                raise BadSetting(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
            raise BadSetting(f"{name} must be {wanted(first)}, not '{str(first['input'])[:40]}'") from None
        if made.job_lease <= made.job_heartbeat:
            raise BadSetting(
                f"VERIGRAD_JOB_LEASE must be more than VERIGRAD_JOB_HEARTBEAT, and {made.job_lease:g} is not more than"
                f" {made.job_heartbeat:g}: every worker would be taken for dead"
            )
        return made

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments and the environment; no files that happen to lie about."""
        return init_settings, env_settings


def unknown_variables() -> list[str]:
    """Those that look like settings and are none: most likely a slip of the hand. Letters may be of either case."""
    names = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | ELSEWHERE
    return sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in names)


def wanted(error: Any) -> str:
    """What pydantic says, less its way of beginning and its reasons."""
    said = str(error["msg"]).removeprefix("Input should be ")
    if error["type"] == "literal_error":
        return said
    if error["type"] == "bool_parsing":
        return "true or false"
    return said.partition(",")[0].replace("integer", "whole number")
