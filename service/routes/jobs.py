"""/v1/jobs: long work, submitted now and fetched later."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from service.access.gate import client_of
from service.jobs.described import accepted, found, listed, resulting, streamed
from service.jobs.desk import PIECE, Desk
from service.jobs.events import follow, heard_last
from service.jobs.kinds import KINDS
from service.jobs.record import Job
from service.jobs.refusals import BadParameter, JobFinished, JobUnfinished, NoResult
from service.jobs.show import address, show
from service.jobs.store import BadCursor, Store, Submission
from service.schemas.jobs import PARAMETERS
from service.schemas.statuses import STATUSES
from service.settings import Settings
from service.telemetry.requests import JOB
from service.work.answer import allowance_of, read_body, reply_to

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

LONGEST_KEY = 255
JSON = "application/json"


@router.post("", summary="Submit a job", status_code=202, **accepted())
async def post_job(request: Request) -> Response:
    """The body of `/v1/train`, `/v1/check` or `/v1/grade/batch`, to be done when there is time. It is read at once, so what
    is wrong with it is said at once. A `train` job may have more epochs than `/v1/train` makes, and more options.

    With an `Idempotency-Key` a request can be repeated safely: the same key and body give the same job.
    """
    settings: Settings = request.app.state.settings
    desk: Desk = request.app.state.jobs
    key = idempotency_key(request)
    body = await read_body(request, settings.max_body)
    allowance = replace(allowance_of(request, settings), seconds=settings.job_seconds)
    reply = await reply_to(request, "job", body, allowance, settings.inline)
    if reply.status >= 400:
        return Response(reply.content, reply.status, reply.headers, reply.media_type)
    read = orjson.loads(reply.content)
    limits = orjson.dumps(asdict(allowance)).decode()
    job = await desk.submit(owner_of(request), Submission(read["kind"], body, read["digest"], limits, key))
    request.scope[JOB] = job.id
    return respond(show(job), 202, {"location": address(job)})


@router.get("", summary="List jobs", **listed())
async def get_jobs(request: Request) -> Response:
    """Your jobs, the newest first. `cursor` of one page asks for the next; the last page has none."""
    desk: Desk = request.app.state.jobs
    given = request.query_params
    try:
        page = await desk.ask(
            Store.page,
            whose(request),
            limit_of(given.get("limit")),
            status=one_of("status", given.get("status"), STATUSES),
            kind=one_of("kind", given.get("kind"), tuple(KINDS)),
            cursor=given.get("cursor", ""),
        )
    except BadCursor:
        raise BadParameter("this is not a cursor that came with a page", path="cursor") from None
    return respond({"jobs": [show(job) for job in page.jobs], **({"cursor": page.cursor} if page.cursor else {})})


@router.get("/{id}", summary="Look at a job", **found())
async def get_job(request: Request, id: str) -> Response:
    """How far it is, and how it ended. A job that failed says why in `error`."""
    return respond(show(await find(request, id)))


@router.get("/{id}/events", summary="Follow a job", **streamed())
async def get_job_events(request: Request, id: str) -> Response:
    """Server-sent events: `progress` with the job as it is, whenever it changed, and last `succeeded`, `failed` or
    `cancelled`. Who comes back with `Last-Event-ID` hears what is new since then.
    """
    job = await find(request, id)
    heard = heard_last(request.headers.get("last-event-id"))
    if job.finished and heard >= job.revision:
        return Response(status_code=204)  # nothing more will come: a browser then stops asking
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}  # no proxy may hold events back
    return StreamingResponse(follow(request.app.state.jobs, job, heard), headers=headers, media_type="text/event-stream")


@router.get("/{id}/result", summary="Fetch a job's result", **resulting())
async def get_job_result(request: Request, id: str) -> Response:
    """What came of it, in the form of the endpoint of that name; of a `train` job the parameters and the history.

    A `train` job that failed has a result too, if it got anywhere: the parameters of its last checkpoint, or the last ones
    that were finite.
    """
    job = await find(request, id)
    if not job.finished:
        raise JobUnfinished(f"the job is {job.status}: there is a result once it is finished")
    result = await request.app.state.jobs.result(id)
    if result is None:
        why = "was cancelled" if job.error is None else f"failed before there was anything to keep: {job.error['detail']}"
        raise NoResult(f"there is no result: the job {why}")
    length, pieces = result
    headers = {"content-length": str(length)}
    if length > PIECE:
        return StreamingResponse(pieces, headers=headers, media_type=JSON)
    return Response(b"".join([piece async for piece in pieces]), media_type=JSON)


@router.delete(
    "/{id}",
    summary="Cancel a job",
    status_code=202,
    **found(409, success=202),
)
async def delete_job(request: Request, id: str) -> Response:
    """A queued job is cancelled at once, a running one in a moment. What it has done is thrown away."""
    await find(request, id)
    if not await request.app.state.jobs.ask(Store.cancel, id):
        raise JobFinished("the job is finished already: there is nothing to cancel")
    return respond(show(await find(request, id)), 202)


async def find(request: Request, id: str) -> Job:
    """The job, if it is there for this client. That others have one of this id is not told."""
    desk: Desk = request.app.state.jobs
    job = await desk.ask(Store.get, id, whose(request))
    if job is None:
        raise HTTPException(404)
    request.scope[JOB] = job.id
    return job


def owner_of(request: Request) -> str:
    """The name of the key that a request came with: keys of one name share their jobs."""
    return client_of(request).name


def whose(request: Request) -> str | None:
    """Whose jobs this client sees: its own; an administrator everybody's."""
    client = client_of(request)
    return None if client.may("admin") else client.name


def idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise BadParameter(f"an Idempotency-Key has 1 to {LONGEST_KEY} printable characters", path="Idempotency-Key")
    return key


def limit_of(text: str | None) -> int:
    if text is None:
        return PARAMETERS["limit"]["default"]
    if not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= PARAMETERS["limit"]["maximum"]:
        raise BadParameter(f"a page has 1 to {PARAMETERS['limit']['maximum']} jobs, not '{text[:10]}'", path="limit")
    return int(text)


def one_of(name: str, given: str | None, known: tuple[str, ...]) -> str:
    if given and given not in known:
        raise BadParameter(f"'{given[:20]}' is no {name} of a job; these are: {', '.join(known)}", path=name)
    return given or ""


def respond(content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, JSON)
