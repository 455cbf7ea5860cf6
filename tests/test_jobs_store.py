"""What is written about jobs, on both databases: by the API, by workers, and by many at once."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from service.database.connection import Database, now, url_of
from service.database.tables import jobs, metadata, parts, workers
from service.jobs.attempts import Attempts, Stale
from service.jobs.delivery import Delivery
from service.jobs.fleet import DeclaredDead, Fleet
from service.jobs.prepare import prepare
from service.jobs.record import CHECKPOINT, RESULT
from service.jobs.store import BadCursor, KeyTaken, LimitReached, Store
from service.jobs.sweeper import Sweeper
from service.schemas.statuses import CANCELLED, QUEUED, RUNNING, SUCCEEDED
from service.settings import BadSetting, Settings
from tests.job_bodies import submission, training
from tests.serving import environment

JOB = submission("train", training(10))
MOST = 3


@pytest.fixture(scope="module")
def prepared(shared_database_url):
    database = Database(url_of(Settings(database_url=shared_database_url)))
    prepare(database)
    delivery = Delivery(database)
    yield database, delivery
    delivery.close()
    database.close()


@pytest.fixture
def delivery(prepared):
    return prepared[1]


@pytest.fixture
def database(prepared):
    database, delivery = prepared
    delivery.forget(delivery.waiting())
    with database.write() as connection:
        for table in (jobs, workers):
            connection.execute(table.delete())
    return database


@pytest.fixture
def submit(database, delivery):
    store = Store(database)
    return lambda given=JOB, owner="", most=100: store.submit(owner, given, most, delivery.enqueue)


@pytest.fixture
def attempts(database):
    return Attempts(database, "worker", MOST)


def look(database, id):
    job = Store(database).get(id, None)
    assert job is not None
    return job


# The tables


def test_the_migrations_make_the_tables(database):
    with database.read() as connection:
        mine = lambda name, kind, *rest: kind != "table" or name in metadata.tables
        context = MigrationContext.configure(connection, opts={"include_name": mine, "compare_type": True})
        found = compare_metadata(context, metadata)
    assert [each for each in found if each[0] != "remove_index"] == []


def test_many_processes_start_on_an_empty_database(database_url):
    code = "from service.jobs.prepare import *; from service.database.connection import *\n"
    code += "from service.settings import Settings\n"
    code += "prepare(Database(url_of(Settings())))"
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=environment(VERIGRAD_DATABASE_URL=database_url)) for _ in range(4)
    ]
    assert [process.wait(60) for process in started] == [0] * 4
    database = Database(url_of(Settings(database_url=database_url)))
    prepare(database)
    assert Store(database).page(None, 10).jobs == []
    database.close()


@pytest.mark.parametrize("url", ["mysql://root:secret@host/jobs", "postgresql://user:secret@host", "secret"])
def test_a_bad_address_is_refused_and_not_repeated(url):
    with pytest.raises(BadSetting, match="VERIGRAD_DATABASE_URL must be like") as refused:
        url_of(Settings(database_url=url))
    assert "secret" not in str(refused.value)


def test_the_clock_is_that_of_the_database(database):
    with database.read() as connection:
        assert abs(connection.scalar(sa.select(now())) - time.time()) < 1


# Submitting


def test_a_job_and_its_delivery_come_into_being_together(database, delivery, submit):
    job = submit()
    assert (job.status, job.kind, job.attempt, job.revision) == (QUEUED, "train", 0, 1)
    assert delivery.waiting() == {job.id}

    def fail(*arguments):
        delivery.enqueue(*arguments)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Store(database).submit("", JOB, 100, fail)
    assert delivery.waiting() == {job.id}
    assert [each.id for each in Store(database).page(None, 10).jobs] == [job.id]


def test_the_same_key_and_body_are_the_same_job(submit):
    given = submission("train", training(10), "key")
    with ThreadPoolExecutor(8) as threads:
        made = {job.id for job in threads.map(lambda _: submit(given), range(8))}
    assert len(made) == 1
    assert submit(given, owner="another").id not in made
    with pytest.raises(KeyTaken):
        submit(submission("train", training(11), "key"))
    assert submit(submission("train", training(10))).id not in made


def test_no_more_jobs_than_allowed_however_they_come(submit, database):
    def attempt(_):
        try:
            return submit(most=3).id
        except LimitReached:
            return None

    with ThreadPoolExecutor(8) as threads:
        made = {id for id in threads.map(attempt, range(8)) if id}
    assert len(made) == 3
    assert submit(owner="another", most=3)
    assert Store(database).cancel(made.pop())
    assert submit(most=3)


def test_who_has_many_waiting_lets_others_go_first(submit, delivery):
    mine = [submit().id for _ in range(3)]
    other = submit(owner="another").id
    listed = delivery.client.list_workflows(load_input=False)
    priority = {each.workflow_id: each.priority for each in listed}
    assert [priority[id] for id in mine] == [1, 2, 3]
    assert priority[other] == 1


# Listing


def test_pages_hold_every_job_once_though_more_are_submitted(submit, database):
    store = Store(database)
    first = [submit().id for _ in range(7)]
    submit(owner="another")
    seen, cursor = [], ""
    while True:
        page = store.page("", 3, cursor=cursor)
        seen += page.jobs
        if page.cursor is None:
            break
        cursor = page.cursor
        submit()
    assert sorted(job.id for job in seen) == sorted(first)
    assert [job.created_at for job in seen] == sorted((job.created_at for job in seen), reverse=True)
    assert len(store.page(None, 100).jobs) == 10


def test_pages_are_filtered(submit, database):
    store = Store(database)
    cancelled, kept = submit().id, submit(submission("check", {})).id
    store.cancel(cancelled)
    assert [job.id for job in store.page("", 10, status=CANCELLED).jobs] == [cancelled]
    assert [job.id for job in store.page("", 10, kind="check").jobs] == [kept]
    assert store.page("", 10, status=QUEUED, kind="train").jobs == []


@pytest.mark.parametrize("cursor", ["x", "é", "MQ", "eCB5", "////", "1" * 500])
def test_a_bad_cursor_is_refused(database, cursor):
    with pytest.raises(BadCursor):
        Store(database).page("", 10, cursor=cursor)


def test_a_job_is_there_for_its_owner_alone(submit, database):
    store, job = Store(database), submit(owner="ada")
    assert store.get(job.id, "ada") == store.get(job.id, None) == job
    assert store.get(job.id, "blaise") is None


# Attempts


def test_an_attempt_from_the_queue_to_the_result(submit, database, attempts):
    store, job = Store(database), submit().id
    attempt = attempts.begin(job)
    assert (attempt.number, attempt.lost, attempt.body, attempt.checkpoint) == (1, 0, JOB.body, None)
    attempts.note(attempt, {"fraction": 0.5}, b"checkpoint", 2.0)
    running = look(database, job)
    assert (running.status, running.progress, running.attempt) == (RUNNING, {"fraction": 0.5}, 1)
    attempts.finish(attempt, SUCCEEDED, result=b"0123456789")
    done = look(database, job)
    assert (done.status, done.finished) == (SUCCEEDED, True)
    assert done.created_at <= done.started_at <= done.finished_at
    assert done.revision > running.revision
    assert store.length(job, RESULT) == 10
    assert store.piece(job, RESULT, 3, 4) == b"3456"
    assert store.length(job, CHECKPOINT) is None
    assert attempts.begin(job) is None
    assert not store.cancel(job)


def test_a_worker_that_was_overtaken_cannot_write(submit, database, attempts):
    job = submit().id
    frozen = attempts.begin(job)
    attempts.note(frozen, {"fraction": 0.1}, b"first", 1.0)
    successor = attempts.begin(job)
    assert (successor.number, successor.lost, successor.checkpoint, successor.spent) == (2, 1, b"first", 1.0)
    for write in (
        lambda: attempts.note(frozen, {"fraction": 0.2}, b"stale", 2.0),
        lambda: attempts.finish(frozen, SUCCEEDED, result=b"stale"),
        lambda: attempts.give_back(frozen, b"stale", 2.0),
        lambda: attempts.begin_again(frozen, 2.0),
        lambda: attempts.is_cancelled(frozen),
    ):
        with pytest.raises(Stale):
            write()
    attempts.finish(successor, SUCCEEDED, result=b"right")
    with pytest.raises(Stale):
        attempts.finish(frozen, SUCCEEDED, result=b"stale")
    assert Store(database).piece(job, RESULT, 0, 99) == b"right"


def test_losses_are_counted_until_a_checkpoint_shows_that_it_got_further(submit, database, attempts):
    job = submit().id
    attempts.begin(job)
    attempt = attempts.begin(job)
    assert attempt.lost == 1
    attempts.note(attempt, {"fraction": 0.1}, None, 1.0)
    attempt = attempts.begin_again(attempt, 1.0)
    assert (attempt.lost, attempt.number, attempt.checkpoint, attempt.spent) == (2, 3, None, 1.0)
    attempts.note(attempt, {"fraction": 0.2}, b"further", 1.0)
    attempt = attempts.begin_again(attempt, 1.0)
    assert (attempt.lost, attempt.number, attempt.checkpoint, attempt.spent) == (1, 4, b"further", 2.0)
    attempts.begin(job)
    attempt = attempts.begin(job)
    assert (attempt.lost, attempt.number) == (MOST, 5)  # to be given up: that is no attempt
    assert look(database, job).attempt == 5


def test_a_job_that_is_given_back_lost_nothing(submit, database, attempts, delivery):
    job = submit().id
    attempts.give_back(attempts.begin(job), b"checkpoint", 1.5)
    assert look(database, job).status == QUEUED
    attempt = attempts.begin(job)
    assert (attempt.lost, attempt.number, attempt.checkpoint, attempt.spent) == (0, 2, b"checkpoint", 1.5)


def test_cancelling(submit, database, attempts):
    store = Store(database)
    waiting, running, left = (submit().id for _ in range(3))
    assert store.cancel(waiting)
    assert (look(database, waiting).status, attempts.begin(waiting)) == (CANCELLED, None)
    attempt = attempts.begin(running)
    assert not attempts.is_cancelled(attempt)
    assert store.cancel(running)
    assert attempts.is_cancelled(attempt)
    attempts.begin(left)
    store.cancel(left)
    assert attempts.begin(left) is None  # its worker died before it could end it
    assert look(database, left).status == CANCELLED
    with database.read() as connection:
        assert set(connection.scalars(sa.select(parts.c.job))) == {running}


# Workers


def test_who_is_silent_for_too_long_is_taken_for_dead(database):
    one, other = Fleet(database, "one", 0.4), Fleet(database, "other", 0.4)
    one.join()
    other.join()
    assert one.beat() == {"one", "other"}
    for _ in range(3):
        time.sleep(0.2)
        one.beat()
    assert one.beat() == {"one"}
    with pytest.raises(DeclaredDead):
        other.beat()
    one.leave()
    with pytest.raises(DeclaredDead):
        one.beat()


def test_who_has_just_said_so_is_alive_however_long_it_took(database):
    one, other = Fleet(database, "one", 0.4), Fleet(database, "other", 0.4)
    one.join()
    other.join()

    def hold_up(connection, cursor, statement, *_):
        if statement.startswith("SELECT workers.id"):
            time.sleep(0.6)

    sa.event.listen(sa.engine.Engine, "before_cursor_execute", hold_up)
    try:
        assert "one" in one.beat()
    finally:
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", hold_up)


def test_what_is_not_on_its_way_is_delivered_anew(database, delivery, submit):
    sweeper = Sweeper(database, delivery, 1000)
    job, finished = submit().id, submit().id
    delivery.forget([job])  # as if the process had died between the two
    Store(database).cancel(finished)
    sweeper.deliver_what_is_missing()
    assert job not in delivery.waiting()  # it may have been on its way from one state to the next
    sweeper.deliver_what_is_missing()
    assert delivery.waiting() == {job, finished}


def test_old_jobs_are_purged_with_their_deliveries(database, delivery, submit):
    sweeper = Sweeper(database, delivery, 100)
    old, recent, waiting = (submit().id for _ in range(3))
    for job in (old, recent):
        Store(database).cancel(job)
    with database.write() as connection:
        connection.execute(jobs.update().where(jobs.c.id == old).values(finished_at=now() - 101))
        connection.execute(jobs.update().where(jobs.c.id == waiting).values(created_at=now() - 1000))
    assert sweeper.purge() == 1
    assert {job.id for job in Store(database).page(None, 10).jobs} == {recent, waiting}
    assert delivery.waiting() == {recent, waiting}
    assert sweeper.purge() == 0


def test_the_file_of_jobs_is_for_its_owner_alone(tmp_path):
    folder = tmp_path / "open to all"
    folder.mkdir(mode=0o755)
    database = Database(url_of(Settings(data_dir=folder)))
    prepare(database)
    with database.write() as connection:
        connection.execute(jobs.delete())
        assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}
    database.close()


def test_an_older_sqlite_tells_the_time_as_dbos_asks_for_it(tmp_path):
    """Where Python is 3.12 or newer; without it no job could be kept with the SQLite of Debian 12."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'any.sqlite3'}")  # not one of ours: DBOS makes its own
    before = time.time()
    with engine.connect() as connection:
        told = connection.exec_driver_sql("SELECT unixepoch('subsec')").scalar_one()
    engine.dispose()
    assert before - 0.001 <= told <= time.time() + 0.001
