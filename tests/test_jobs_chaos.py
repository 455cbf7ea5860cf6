"""Processes are killed with -9 at random moments: every job ends once, with the result of a run that nothing disturbed.

`scripts/chaos` does this for longer.
"""

import os
import random
import time

import pytest

from tests.job_bodies import training, undisturbed
from tests.job_system import System, wait_for

SHORT, LONG = 4, int(os.environ.get("CHAOS_ROUNDS", "20"))
"""Rounds of the tests, and of scripts/chaos."""
VICTIMS = ("child", "worker", "server", "everything")
EPOCHS = 10_000


@pytest.mark.parametrize("rounds", [SHORT, pytest.param(LONG, marks=pytest.mark.slow, id="long")])
def test_whatever_is_killed_every_job_ends_once_with_the_right_result(database_url, rounds):
    seed = int(os.environ.get("CHAOS_SEED", str(random.randrange(10**6))))
    print(f"CHAOS_SEED={seed}")
    random.seed(seed)
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(rounds)]
    random.shuffle(victims)
    bodies: dict[str, dict] = {}
    with System(database_url, VERIGRAD_JOB_ATTEMPTS="1000") as system:

        def submit():
            key = f"job {len(bodies)}"
            bodies[key] = training(EPOCHS, seed=len(bodies) % 3)
            ids[system.submit({"train": bodies[key]}, key)] = key

        ids: dict[str, str] = {}
        for _ in range(3):
            submit()
        wait_for(lambda: system.pids("child"), "a job to begin")
        for victim in victims:
            time.sleep(random.uniform(0.0, 1.5))
            if victim == "everything":
                system.kill_all()
                system.process.communicate()
                system.start()
            else:
                system.kill(victim)
            submit()
        for id, key in ids.items():
            job = system.finished(id)
            assert (job["status"], job.get("error")) == ("succeeded", None)
            assert system.result(id) == undisturbed("train", bodies[key])
            assert system.submit({"train": bodies[key]}, key) == id
        assert {job["id"] for job in system.ask("GET", "/v1/jobs?limit=200").json()["jobs"]} == set(ids)
        assert wait_for(lambda: not system.pids("child"), "all children to end")
        assert system.stop() == 0
        assert wait_for(lambda: not system.members(), "all processes to end")
