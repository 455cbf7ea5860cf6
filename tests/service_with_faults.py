"""The service with a few more routes, which show what the server does about an application that is slow or at fault."""

import asyncio

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from service.app import create_app
from service.http.server import run
from service.processes.greeting import greeting
from service.processes.sockets import listen
from service.replies.errors import add_error_handlers
from service.settings import Settings
from service.telemetry.logs import start_log

LARGE = 128 * 2**20


async def fault():
    raise ZeroDivisionError("as it is meant to be")


async def fault_amid():
    async def stream():
        yield b"the beginning"
        raise ZeroDivisionError("as it is meant to be")

    return StreamingResponse(stream())


async def slow():
    await asyncio.sleep(0.4)
    return Response(b"at last")


async def large():
    return Response(b"x" * LARGE)


async def headers(request: Request):
    """Read the body, and only then look at the headers."""
    await request.body()
    return Response(b" ".join(name for name, _ in request.headers.raw))


gone = 0


async def until_gone(request: Request):
    """Whatever comes, until nothing does."""
    global gone
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone += 1
    return Response()


async def told():
    """How often the one above was, since this was last asked."""
    global gone
    times, gone = gone, 0
    return Response(str(times))


FAULTS = {f"/{route.__name__}": route for route in (fault, fault_amid, slow, large, headers, until_gone, told)}


def beside(app):
    """The application, and these routes outside its gate, which lets nobody pass to addresses that it does not know."""
    faults = FastAPI()
    for path, route in FAULTS.items():
        faults.add_api_route(path, route, methods=["GET", "POST"])
    add_error_handlers(faults)

    async def both(scope, receive, send):
        await (faults if scope.get("path") in FAULTS else app)(scope, receive, send)

    return both


if __name__ == "__main__":
    start_log()
    settings = Settings.from_environment()
    sockets = listen(settings.host, settings.port)
    run(beside(create_app(settings)), settings, sockets, lambda: print(greeting(*sockets[0].getsockname()[:2]), flush=True))
