"""Keys as an operator meets them: a service of two processes that heeds `verigrad keys` while it runs, on both databases."""

import os
import signal
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import httpx
import orjson
import pytest
import sqlalchemy as sa

from service.access.keyring import WITHIN
from service.contract.examples import GRADIENTS
from tests.databases import new_database
from tests.job_system import System, wait_for
from tests.serving import PATIENCE, SERVE, Served, environment

SOON = 2 * WITHIN
"""Seconds: twice as long as documented, for a machine that has much else to do."""
GRAPH = GRADIENTS["graph"].body


def verigrad_keys(variables, *arguments):
    command = [*SERVE[:-1], "keys", *arguments]
    done = subprocess.run(command, env={**environment(), **variables}, capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return orjson.loads(done.stdout)


def ask(address, key=""):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.post(f"{address}/v1/gradients", json=GRAPH, headers=headers, trust_env=False, timeout=PATIENCE).status_code


def ask_each(system, key=""):
    """Every process by itself: the others are stopped meanwhile."""
    servers = wait_for(lambda: len(found := system.pids("server")) == 2 and found, "both processes")
    found = []
    for stopped in servers:
        os.kill(stopped, signal.SIGSTOP)
        found.append(ask(system.address, key))
        os.kill(stopped, signal.SIGCONT)
    return found


def test_keys_are_created_and_revoked_while_two_processes_run(database_url):
    at = {"VERIGRAD_DATABASE_URL": database_url}
    with System(database_url, workers=1) as system:
        assert ask_each(system) == [200, 200]
        made, other = (verigrad_keys(at, "create", "--scope", "compute", "--name", f"CS{n}") for n in range(2))
        wait_for(lambda: ask_each(system) == [401, 401], "keys to be needed", SOON)
        assert ask_each(system, made["key"]) == ask_each(system, other["key"]) == [200, 200]
        used = lambda: {key["name"]: key["used_at"] for key in verigrad_keys(at, "list")["keys"]}
        wait_for(lambda: None not in used().values(), "the use to be noted")
        verigrad_keys(at, "revoke", made["id"])
        wait_for(lambda: ask_each(system, made["key"]) == [401, 401], "the key to be revoked", SOON)
        assert ask_each(system, other["key"]) == [200, 200]
        verigrad_keys(at, "revoke", other["id"])
        wait_for(lambda: ask_each(system, other["key"]) == [401, 401], "the last key to be revoked", SOON)
        wipe(database_url)  # those who come now know it from those who were there before
        for server in system.pids("server"):
            os.kill(server, signal.SIGKILL)
        assert wait_for(lambda: len(system.pids("server")) == 2 and answers(system), "others in their place")
        assert ask_each(system) == [401, 401]


def wipe(database_url):
    url = sa.make_url(database_url)
    engine = sa.create_engine(url.set(drivername=f"{url.drivername}+psycopg") if url.host or url.query else url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM keys")
    engine.dispose()


def answers(system):
    with suppress(httpx.TransportError):
        return ask(system.address)


def test_a_key_in_the_database_is_enough_to_listen_beyond_this_machine(tmp_path):
    at = {"VERIGRAD_DATA_DIR": str(tmp_path)}
    command = [*SERVE, "--host", "0.0.0.0", "--port", "0"]
    refused = subprocess.run(command, env=environment(**at), capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == 2
    assert "`verigrad keys create`" in refused.stderr
    assert list(tmp_path.iterdir()) == []
    made = verigrad_keys(at, "create", "--scope", "compute", "--name", "CS101")
    with Served("--host", "0.0.0.0", "--port", "0", **at) as served:
        assert served.curl.endswith('-H "authorization: Bearer $VERIGRAD_KEY"')
        assert (ask(served.address), ask(served.address, made["key"])) == (401, 200)
    verigrad_keys(at, "revoke", made["id"])
    with Served("--host", "0.0.0.0", "--port", "0", **at) as served:
        assert (ask(served.address), ask(served.address, made["key"])) == (401, 401)


def test_no_key_reaches_the_log_or_the_data(tmp_path):
    at, log = {"VERIGRAD_DATA_DIR": str(tmp_path / "data")}, tmp_path / "log"
    made = verigrad_keys(at, "create", "--scope", "compute", "--name", "CS101")
    with log.open("w") as errors, Served("--port", "0", errors=errors, **at) as served:
        assert ask(served.address, made["key"]) == 200
        verigrad_keys(at, "revoke", made["id"])
        wait_for(lambda: ask(served.address, made["key"]) == 401, "the key to be revoked", SOON)
        served.stop(signal.SIGTERM)
        told = "".join(served.lines) + log.read_text()
    assert "this key is not known here" in told
    assert made["key"] not in told
    for file in (tmp_path / "data").iterdir():
        assert made["key"].encode() not in file.read_bytes()


class Line:
    """To a PostgreSQL server, over TCP; cut and mended as one likes."""

    def __init__(self, url):
        self.target = f"{url.query['host']}/.s.PGSQL.{url.port or 5432}"
        self.ends: list[socket.socket] = []
        self.port = 0
        self.mend()

    def mend(self):
        self.door = socket.create_server(("127.0.0.1", self.port))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.door,), daemon=True).start()

    def accept(self, door):
        with suppress(OSError):  # until it is cut
            while True:
                client, server = door.accept()[0], socket.socket(socket.AF_UNIX)
                server.connect(self.target)
                self.ends += [client, server]
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        with suppress(OSError):
            while some := one.recv(65_536):
                other.sendall(some)
            other.shutdown(socket.SHUT_RDWR)

    def cut(self):
        for end in (self.door, *self.ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.ends = []


def test_the_database_is_away_for_a_while(request, postgresql_server):
    if not Path(str(postgresql_server.query.get("host", ""))).is_dir():
        pytest.skip("the server of TEST_DATABASE_URL is not reached through a socket file")
    direct = sa.make_url(new_database(request, "postgresql", None))
    line = Line(direct)
    url = direct.set(host="127.0.0.1", port=line.port, query={}).render_as_string(hide_password=False)
    at = {"VERIGRAD_DATABASE_URL": direct.render_as_string(hide_password=False)}
    known, fresh = (verigrad_keys(at, "create", "--scope", "compute", "--name", name) for name in "ab")
    with System(url, workers=0) as system:
        assert ask_each(system, known["key"]) == [200, 200]
        line.cut()
        verigrad_keys(at, "revoke", fresh["id"])  # as nobody can hear
        late = verigrad_keys(at, "create", "--scope", "compute", "--name", "c")
        for _ in range(3):
            assert ask_each(system, known["key"]) == ask_each(system, fresh["key"]) == [200, 200]
            assert ask_each(system, late["key"]) == ask_each(system) == [401, 401]
        line.mend()
        wait_for(lambda: ask_each(system, fresh["key"]) == [401, 401], "what was revoked to be heard of")
        assert ask_each(system, late["key"]) == ask_each(system, known["key"]) == [200, 200]
    line.cut()
