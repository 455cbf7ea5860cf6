"""The service with a few more routes, which show what the server does about an application that is slow or at fault."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from service.app import create_app
from service.server import run
from service.settings import Settings

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


if __name__ == "__main__":
    settings = Settings.from_environment()
    app = create_app(settings)
    for route in (fault, fault_amid, slow, large, headers, until_gone, told):
        app.add_api_route(f"/{route.__name__}", route, methods=["GET", "POST"])
    run(app, settings)
