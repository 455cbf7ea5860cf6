"""`verigrad serve` as a person meets it: it starts, prints a line that works when pasted, and stops when told to."""

import re
import signal
import socket
import subprocess

import httpx
import pytest

from tests.serving import PATIENCE, SERVE, Served, environment, free_port, pasted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_the_printed_line_works_and_the_service_stops(number):
    port = free_port()
    with Served("--port", str(port)) as served:
        assert served.address == f"http://127.0.0.1:{port}"
        assert f"Verigrad listens on {served.address} (a page to read and try: {served.address}/docs)\n" in served.lines
        solution = pasted(served.curl)
        gradients = {node["name"]: node["gradient"] for node in solution["nodes"]}
        assert gradients == {"x": 4.0, "y": 4.0, "z": 5.0, "q": 4.0, "f": 1.0}
        assert solution["certificate"]["status"] == "agrees"
        assert served.stop(number) in (0, -number)
        assert served.leaves_nobody()


def test_settings_come_from_the_environment_and_port_0_takes_a_free_one():
    anywhere = {"VERIGRAD_HOST": "0.0.0.0", "VERIGRAD_ALLOW_ANONYMOUS": "true"}
    with Served(**anywhere, VERIGRAD_PORT="0", VERIGRAD_MAX_BODY="100") as served:
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d+", served.address)
        with httpx.Client(base_url=served.address, trust_env=False) as client:
            assert client.get("/readyz").json()["status"] in ("ready", "degraded")  # the worker may still be on its way
            refused = client.post("/v1/gradients", content=b" " * 1_000_000)
            assert refused.status_code == 413
            assert refused.json()["type"] == "/problems/body-too-large"


def refused(*arguments, **variables):
    done = subprocess.run(
        [*SERVE, *arguments], env=environment(**variables), capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_bad_settings_are_refused_in_words():
    assert "VERIGRAD_PORT must be a valid whole number" in refused(VERIGRAD_PORT="http")
    assert "a port is a whole number from 0 to 65535, not '70000'" in refused("--port", "70000")
    sentence = "VERIGRAD_LOG_LEVEL must be 'debug', 'info', 'warning' or 'error', not 'loud'"
    assert sentence in refused(VERIGRAD_LOG_LEVEL="loud")
    assert "VERIGRAD_JOB_LEASE must be more than VERIGRAD_JOB_HEARTBEAT" in refused(VERIGRAD_JOB_LEASE="1")
    assert "VERIGRAD_ALLOW_ANONYMOUS must be true or false, not 'maybe'" in refused(VERIGRAD_ALLOW_ANONYMOUS="maybe")


def test_port_in_use_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "address already in use; choose another port" in refused("--port", str(taken.getsockname()[1]))
