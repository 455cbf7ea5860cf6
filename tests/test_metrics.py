"""/metrics: what is counted is what happened, also over several processes, and when some of them die."""

import re
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from contextlib import suppress

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from engine.errors import KeyRefuted
from service.access.scopes import LEAST_SCOPE
from service.app import create_app
from service.contract.examples import CHECK, GRADE, GRADE_BATCH, GRADIENTS, MISTAKES
from service.jobs.numbers import FromDatabase, Numbers
from service.jobs.tallies import BEYOND, NEVER
from service.keys import entry_of, make_key
from service.operations import OPERATIONS, certificates
from service.replies.problem_types import PROBLEM_TYPES
from service.settings import Settings
from service.telemetry.metrics import METHODS, REGISTRY
from service.telemetry.requests import GONE
from tests.job_bodies import training
from tests.job_system import System, kill, wait_for
from tests.serving import ROOT, environment

PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
ENDED = [("train", "succeeded", "", 1.0, 3, 2.0), ("train", "failed", "job-lost", BEYOND, 1, 4000.0)]
ENDED += [("train", "cancelled", "", NEVER, 2, 0.0)]


def series(text):
    """Every sample by name and labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Scraped:
    def __init__(self, text):
        self.text, self.all = text, series(text)

    def __call__(self, name, **labels):
        """The sum over what has these labels."""
        wanted = set(labels.items())
        return sum(value for (found, *has), value in self.all.items() if found == name and wanted <= set(has))

    def since(self, before, name, **labels):
        return self(name, **labels) - before(name, **labels)


def scrape(client, **headers):
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return Scraped(answer.text)


@pytest.fixture
def client(tmp_path):
    with TestClient(create_app(Settings(data_dir=tmp_path)), raise_server_exceptions=False) as client:
        yield client


def test_requests_are_counted_by_route_method_and_status(client):
    before = scrape(client)
    for path in ("/problems/busy", "/problems/work-lost", "/problems/no-such", "/nowhere", "/v1/jobs/1", "/v1/jobs/2"):
        client.get(path)
    client.request("BREW", "/v1/catalog")
    after = scrape(client)
    counted = lambda **labels: after.since(before, "verigrad_requests_total", **labels)
    assert counted(route="/problems/{kind}", status="200", method="GET") == 2
    assert counted(route="/problems/{kind}", status="404") == 1
    assert counted(route="none", status="404") == 1
    assert counted(route="/v1/jobs/{id}", status="404") == 2
    assert counted(route="/v1/catalog", method="other", status="405") == 1
    assert counted(route="/metrics") == 1
    assert after.since(before, "verigrad_request_seconds_count", route="/problems/{kind}") == 3


@pytest.mark.parametrize("inline", [1, 0], ids=["at once", "in a process beside"])
def test_work_is_counted_by_what_it_came_to(tmp_path, inline):
    with TestClient(create_app(Settings(data_dir=tmp_path, inline=inline, processes=1))) as client:
        before = scrape(client)
        graded = client.post("/v1/grade", json=GRADE["network"].body).json()
        again = client.post("/v1/grade", json=GRADE["network"].body).json()
        batch = client.post("/v1/grade/batch", json=next(iter(GRADE_BATCH.values())).body).json()
        checked = client.post("/v1/check", json=CHECK["submitted"].body).json()
        client.post("/v1/gradients", json=GRADIENTS["graph"].body)
        after = scrape(client)
    since = lambda name, **labels: after.since(before, name, **labels)
    grades = [graded, *(each["grade"] for each in batch["results"] if "grade" in each)]
    verdicts = [item.get("verdict") for grade in grades for item in grade["items"]]
    assert graded == again
    assert since("verigrad_verdicts_total") == len(verdicts) > 2
    for verdict in set(verdicts) - {None}:
        assert since("verigrad_verdicts_total", verdict=verdict) == verdicts.count(verdict)
    assert since("verigrad_checks_total", status=checked["status"]) == 1
    assert since("verigrad_certificates_total") == since("verigrad_certificates_total", status="agrees") == 3
    for operation in ("grade", "grade_batch", "check", "gradients"):
        assert since("verigrad_work_seconds_count", operation=operation) == 1
    assert since("verigrad_kept_replies_total", found="yes") == 1
    assert since("verigrad_kept_replies_total", found="no") == 2  # of a batch and of a check no reply is kept


def test_what_alarms_look_at_is_there_before_it_happens(tmp_path):
    """At 0: to Prometheus a series that begins at 1 has not increased."""
    code = "from service.telemetry.metrics import exposition; print(exposition().decode())"
    fresh = series(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout)
    assert fresh["verigrad_certificates_total", ("status", "disagrees")] == 0
    for kind in ("busy", "work-lost"):
        assert fresh["verigrad_pool_refused_total", ("type", kind)] == 0
    with TestClient(create_app(Settings(data_dir=tmp_path))) as client:
        wait_for(lambda: scrape(client)("verigrad_database_up") == 1, "the database")
        labels = (("kind", "check"), ("reason", "key-refuted"), ("status", "failed"))
        assert scrape(client).all["verigrad_jobs_ended_total", *labels] == 0


def test_a_refuted_key_is_counted(client, monkeypatch):
    def refute(*arguments, **options):
        raise KeyRefuted("as it is meant to be")

    before = scrape(client)
    monkeypatch.setattr(certificates, "certify", refute)
    body = {**GRADIENTS["graph"].body, "values": {"x": 2.5, "y": 3, "z": 4}}
    assert client.post("/v1/gradients", json=body).status_code == 500
    assert scrape(client).since(before, "verigrad_certificates_total", status="disagrees") == 1


def test_what_the_pool_turns_away_is_counted(tmp_path):
    with TestClient(create_app(Settings(data_dir=tmp_path, inline=0, processes=1, deadline=0.01))) as client:
        before = scrape(client)
        assert client.post("/v1/gradients", json=GRADIENTS["graph"].body).status_code == 503
        after = scrape(client)
    assert after.since(before, "verigrad_pool_refused_total", type="busy") == 1
    assert after("verigrad_pool_busy") == after("verigrad_pool_waiting") == 0


def test_jobs_that_ended_are_counted_for_good():
    text = exposition_of(Numbers({("check", "queued"): 4}, 12.5, 3, ENDED))
    found = Scraped(text)
    assert found("verigrad_jobs", kind="check", status="queued") == 4
    assert (found("verigrad_oldest_queued_seconds"), found("verigrad_workers")) == (12.5, 3)
    assert found("verigrad_jobs_ended_total") == 6
    assert found("verigrad_jobs_ended_total", status="failed", reason="job-lost") == 1
    assert found("verigrad_job_seconds_bucket", status="succeeded", le="0.5") == 0
    assert found("verigrad_job_seconds_bucket", status="succeeded", le="1.0") == 3
    assert found("verigrad_job_seconds_bucket", status="failed", le="3600.0") == 0
    assert found("verigrad_job_seconds_bucket", status="failed", le="+Inf") == 1
    assert found("verigrad_job_seconds_sum", status="failed") == 4000
    assert found("verigrad_job_seconds_count", status="cancelled") == 0  # they were never begun
    assert Scraped(exposition_of(None)).all.keys() == {("verigrad_info", ("version", "0.1.0")), ("verigrad_database_up",)}


def exposition_of(numbers):
    return generate_latest(FromDatabase(numbers)).decode()


def test_the_database_is_away_and_metrics_are_there(tmp_path):
    settings = Settings(data_dir=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/nothing")
    found = scrape(TestClient(create_app(settings)))
    assert found("verigrad_database_up") == 0
    assert found("verigrad_requests_total") > 0


def test_with_keys_it_takes_an_administrators(tmp_path):
    keys = {scope: make_key() for scope in ("compute", "admin")}
    entries = ",".join(entry_of(scope, scope, key) for scope, key in keys.items())
    client = TestClient(create_app(Settings(data_dir=tmp_path, keys=entries)))
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"authorization": f"Bearer {keys['compute']}"}).status_code == 403
    assert scrape(client, authorization=f"Bearer {keys['admin']}")("verigrad_database_up") == 1
    anonymous = TestClient(create_app(Settings(data_dir=tmp_path, allow_anonymous=True)))
    assert anonymous.get("/metrics").status_code == 403


def test_what_works_beside_counts_nothing_itself():
    code = "import sys, service.work.compute, service.jobs.child; print('prometheus_client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr


# Several processes


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metrics")
    with System(f"sqlite:///{folder / 'jobs.sqlite3'}", servers=2, workers=1, VERIGRAD_INLINE="0") as system:
        yield system


def ask_often(system, times, seed):
    """On a connection each, so that both servers are asked."""
    for each in range(times):
        body = {"graph": {"expressions": ["J = x * x"]}, "values": {"x": seed + each}}
        assert system.ask("POST", "/v1/gradients", json=body).status_code == 200


def scraped(system):
    return Scraped(system.ask("GET", "/metrics").text)


def counted(found):
    return (
        found("verigrad_requests_total", route="/v1/gradients", status="200"),
        found("verigrad_request_seconds_count", route="/v1/gradients"),
        found("verigrad_work_seconds_count", operation="gradients"),
        found("verigrad_certificates_total", status="agrees"),
        found("verigrad_kept_replies_total"),
    )


def test_all_servers_are_counted_together_also_those_that_were_killed(system):
    ask_often(system, 40, 0)
    assert counted(scraped(system)) == (40,) * 5
    assert counted(scraped(system)) == (40,) * 5  # whoever is asked
    for _ in range(2):
        victim, *_ = servers = system.pids("server")
        kill(victim)
        wait_for(lambda servers=servers: len(set(system.pids("server")) - set(servers)) == 1, "another server")
        assert counted(scraped(system)) == (40,) * 5
    ask_often(system, 20, 100)
    assert counted(scraped(system)) == (60,) * 5


def test_what_a_process_had_only_while_it_lived_is_forgotten(system):
    pools = wait_for(lambda: len(found := system.pids("pool")) == 2 and found, "both pools")
    for each in pools:
        kill(each, signal.SIGSTOP)
    asking = threading.Thread(target=ask_in_vain, args=(system,))
    asking.start()
    wait_for(lambda: scraped(system)("verigrad_pool_busy") == 1, "it to be busy")
    for each in (*system.pids("server"), *pools):
        kill(each)
    asking.join()
    wait_for(lambda: len(system.pids("server")) == 2, "others")
    assert scraped(system)("verigrad_pool_busy") == 0


def ask_in_vain(system):
    with system.client() as client, suppress(httpx.TransportError):
        client.post("/v1/mistakes", json=next(iter(MISTAKES.values())).body)


def test_jobs_and_workers_are_those_of_the_database(system):
    before = scraped(system)
    done = system.submit({"train": training(5)})
    failed = system.submit({"train": training(5, optimizer={"kind": "sgd", "learning_rate": 1e200})})
    for id in (done, failed):
        system.finished(id)
    endless = [system.submit({"train": training(100_000, batch_size=1)}) for _ in range(3)]
    wait_for(lambda: system.job(endless[0])["status"] == "running", "one to run")
    queued = lambda found: found("verigrad_jobs", kind="train", status="queued")
    # Of two servers, each tells what it has seen in the last seconds.
    found = wait_for(lambda: queued(each := scraped(system)) == 2 and each, "two to be seen waiting")
    assert found("verigrad_jobs", kind="train", status="running") == 1
    assert found("verigrad_oldest_queued_seconds") > 0
    assert (found("verigrad_workers"), found("verigrad_database_up")) == (1, 1)
    assert found.since(before, "verigrad_jobs_ended_total", status="succeeded", reason="") == 1
    assert found.since(before, "verigrad_jobs_ended_total", status="failed", reason="job-diverged") == 1
    assert found.since(before, "verigrad_job_seconds_count") == 2
    for id in endless:
        system.ask("DELETE", f"/v1/jobs/{id}")
        system.finished(id)
    wait_for(lambda: scraped(system)("verigrad_jobs_ended_total", status="cancelled") == 3, "the three to be counted")
    wait_for(lambda: scraped(system)("verigrad_jobs") == 0, "the queue to be seen empty")


def test_no_label_holds_what_was_sent(system):
    labels = defaultdict(set)
    for _, *pairs in scraped(system).all:
        for name, value in pairs:
            labels[name].add(value)
    statuses = {str(each.status) for each in PROBLEM_TYPES.values()} | {"200", "202", "204", "307", str(GONE)}
    assert labels["route"] <= {*LEAST_SCOPE, "none"}
    assert labels["method"] <= {*METHODS, "other"}
    assert labels["operation"] <= {*OPERATIONS, "job"}
    assert {each for each in labels["status"] if each.isdecimal()} <= statuses
    assert labels["type"] | labels["reason"] <= {*PROBLEM_TYPES, ""}


# The documentation


def test_the_page_tells_of_every_metric_and_of_no_other():
    told = set(re.findall(r"^\| `(verigrad_\w+)`", PAGE, flags=re.MULTILINE))
    from_processes = {name_of(family) for family in REGISTRY.collect()}
    from_database = {name_of(family) for family in FromDatabase(Numbers({}, 0.0, 0, ENDED)).collect()}
    assert told == from_processes | from_database


def test_the_page_tells_the_labels_of_each():
    rows = {
        line.split("|")[1].strip(" `"): line.split("|")[2] for line in PAGE.splitlines() if line.startswith("| `verigrad_")
    }
    families = [*REGISTRY.collect(), *FromDatabase(Numbers({}, 0.0, 0, ENDED)).collect()]
    labels = {name_of(family): {name for each in family.samples for name in each.labels} - {"le"} for family in families}
    for collector in REGISTRY._collector_to_names:  # those that have counted nothing yet have no samples
        names = set(collector._labelnames)  # type: ignore[attr-defined]
        labels[name_of(collector.describe()[0])] = names  # type: ignore[attr-defined]
    assert {name: set(re.findall(r"`(\w+)`", told)) for name, told in rows.items()} == labels


def name_of(family):
    return f"{family.name}_total" if family.type == "counter" else family.name


@pytest.mark.parametrize("limit", [0, 100_000])
def test_without_room_to_count_together_a_process_counts_alone(limit, tmp_path):
    """To write into a file for which there is no room would end it."""
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
from service.telemetry.metrics import count_request, exposition
count_request("/v1/check", "GET", 200, 0.1)
print("1.0" in exposition().decode())
"""
    variables = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "VERIGRAD_PROCESS": "server-0"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(**variables), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "True\n")
    assert not list(tmp_path.iterdir())
