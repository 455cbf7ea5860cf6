"""From the bytes of a request to those of its answer. The same wherever it is done: at once, in a process beside the
service, or from the command line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import orjson

from service.jobs.reading import read_job
from service.operations import OPERATIONS, Operation
from service.operations.allowance import Allowance
from service.replies.problem_documents import Reply, RequestError, WorkLost, problem_of, problem_reply
from service.requests.body import parse
from service.telemetry.facts import Facts, gathered
from service.work.cost import refuse_more
from service.work.faults import add_faults

PERFORMED: dict[str, Operation] = {**OPERATIONS, "job": read_job}
"""What a request can ask for; of a job that is to be read."""


def perform(operation: str, body: bytes, allowance: Allowance) -> Reply:
    try:
        wire = parse(body)
    except (RequestError, MemoryError) as error:
        return refusal(error, operation)
    return perform_parsed(operation, wire, allowance)


def perform_parsed(operation: str, wire: Any, allowance: Allowance) -> Reply:
    """Whatever happens, a reply."""
    with gathered() as facts:
        reply = done(operation, wire, allowance, facts)
    return replace(reply, facts=facts)


def done(operation: str, wire: Any, allowance: Allowance, facts: Facts) -> Reply:
    try:
        facts["cost"] = refuse_more(operation, wire, allowance)
        with np.errstate(all="ignore"):  # what is not finite is told in the answer; it is no warning for the operator
            return Reply(orjson.dumps(PERFORMED[operation](wire, allowance), option=orjson.OPT_SERIALIZE_NUMPY))
    except Exception as error:
        return refusal(error, operation, wire)


def refusal(error: Exception, operation: str, wire: Any = None) -> Reply:
    if isinstance(error, MemoryError):
        error, wire = WorkLost("there was not enough memory for this: ask for less at once"), None
    headers = error.headers if isinstance(error, RequestError) else {}
    return problem_reply(add_faults(problem_of(error, operation), error, operation, wire), headers)
