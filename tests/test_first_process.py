"""The supervisor as the first process of a container, which the system treats unlike all others: whatever loses its parent
becomes its child, and must not pile up; and a signal that it does not ask for is lost.
"""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.processes.orphans import bury
from tests.job_bodies import training
from tests.job_system import System, kill, parent_of, wait_for
from tests.serving import PATIENCE, ROOT, environment

PR_SET_CHILD_SUBREAPER = 36
SOON = 15
"""Seconds to wait for what takes a fraction of one."""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans go to whom prctl names only on Linux")


def adopt(yes=True):
    """Whether this process becomes the parent of the orphans among its descendants, as process 1 always does."""
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(yes)) == 0


def zombies(parent):
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, ppid = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it has just ended
        if state == "Z" and int(ppid) == parent:
            found.append(int(folder.name))
    return found


@pytest.fixture
def adopting():
    adopt()
    yield
    adopt(False)


def test_orphans_are_buried(adopting):
    subprocess.run(["sh", "-c", "true & true & exec 2>&-; exit 0"], check=True)  # whose children it does not wait for
    wait_for(nobody_is_left, "all to be buried", SOON)


def nobody_is_left():
    bury(())
    return not zombies(os.getpid())


def test_the_status_of_its_own_is_not_lost():
    mine = subprocess.Popen(["sh", "-c", "exit 7"])
    wait_for(lambda: mine.pid in zombies(os.getpid()), "its end", SOON)
    bury({mine.pid})
    assert mine.wait() == 7


def test_a_job_that_loses_its_worker_leaves_nothing_behind(tmp_path):
    adopting = f"import ctypes, os, sys; ctypes.CDLL(None).prctl({PR_SET_CHILD_SUBREAPER}, 1)"
    become = "os.execv(sys.executable, [sys.executable, '-m', 'service', *sys.argv[1:]])"
    command = [sys.executable, "-c", f"{adopting}; {become}"]
    with System(f"sqlite:///{tmp_path / 'jobs.sqlite3'}", workers=1, servers=1, command=command) as system:
        system.submit({"train": training(100_000, batch_size=1)})
        (child,) = wait_for(lambda: system.pids("child"), "a job to begin")
        kill(parent_of(child))
        wait_for(lambda: child not in system.pids("child"), "it to end with its worker")
        wait_for(lambda: len(system.pids("child")) == 1, "the next attempt")
        wait_for(lambda: not zombies(system.process.pid), "it to be buried", SOON)
        assert not Path(f"/proc/{child}").exists()


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_sigterm_is_heard_before_all_is_imported(command, tmp_path):
    """The status is that of one who ends by itself. Without a handler the signal would end it here, and be lost there."""
    told = "import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(30)\n"
    (tmp_path / "pydantic_settings.py").write_text(told)
    variables = environment(PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))
    done = subprocess.run([sys.executable, "-m", "service", command], env=variables, timeout=PATIENCE)
    assert done.returncode == 128 + signal.SIGTERM
