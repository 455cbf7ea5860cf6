"""One process that starts all others, starts again what dies, kills what is frozen, and leaves nothing behind.

It does nothing else, so that there is little that could end it; if it is killed all the same, the others end with it.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from service.processes.greeting import greeting
from service.processes.orphans import bury
from service.processes.parent import READY
from service.processes.shared_folder import SharedFolder
from service.processes.sockets import listen
from service.settings import PREFIX, Settings, unknown_variables
from service.telemetry.environment import FOLDER, FORMAT, LEVEL, PROCESS
from service.telemetry.logs import chosen_format, start_log

TICK = 0.1
"""Seconds between two looks at the processes."""
FROZEN = 3.0
"""Leases of a job without a sign of life, after which a process is killed: it may hold what others wait for."""
STEADY = 10.0
"""Seconds after which a process that has not died is thought to be well."""
PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before a process is started again: the longer, the more often in a row it has died."""
EXTRA = 3.0
"""Seconds beyond their grace after which processes that were told to end are killed."""

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Matrices are small, and requests already run side by side."""

log = logging.getLogger("verigrad.supervisor")


@dataclass(slots=True)
class Charge:
    """A process, and when to start it again."""

    name: str
    module: str
    environment: Mapping[str, str] = field(repr=False)
    sockets: Sequence[socket.socket] = ()
    process: subprocess.Popen[bytes] | None = None
    pipe: int | None = None
    """On which it says that it is ready, and that it is alive."""
    heard: float = 0.0
    deaths: int = 0
    gave_up: bool = False
    """Whether it is a server that ended by itself, and was not killed."""
    started: float = 0.0
    due: float = field(default_factory=monotonic)

    def start(self) -> None:
        ours, theirs = os.pipe()
        descriptors = [theirs, *(each.fileno() for each in self.sockets)]
        tie = [str(os.getpid()), str(theirs)]
        arguments = [str(each.fileno()) for each in self.sockets]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service.processes.charge", *tie, self.module, *arguments],
            stdin=subprocess.DEVNULL,
            pass_fds=descriptors,
            env={**self.environment, PROCESS: self.name},
        )
        os.close(theirs)
        self.pipe, self.started = ours, monotonic()
        self.heard = self.started

    def ended(self) -> int | None:
        """The exit code with which it ended by itself; None if it runs, or was killed."""
        code = self.process.poll() if self.process else None
        return code if code is not None and code >= 0 else None

    def has_died(self, patience: float) -> bool:
        """A process that shows no sign of life for so long is killed."""
        if self.process is None:
            return False
        if monotonic() - self.heard >= patience:
            log.warning("%s shows no sign of life", self.name)
            self.process.kill()
        if (code := self.process.poll()) is None:
            return False
        self.gave_up = bool(self.sockets) and code > 0
        self.deaths = 0 if monotonic() - self.started >= STEADY else self.deaths + 1
        pause = PAUSES[min(self.deaths, len(PAUSES) - 1)]
        log.warning("%s ended (exit code %d): starting another in %g s", self.name, code, pause)
        self.forget_pipe()
        self.process, self.due = None, monotonic() + pause
        return True

    def hear(self) -> bool:
        """Whether it says that it is ready."""
        assert self.pipe is not None
        said = os.read(self.pipe, 4096)
        if not said:
            self.forget_pipe()
        self.heard = monotonic()
        return READY in said

    def forget_pipe(self) -> None:
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None


class Supervisor:
    def __init__(self, settings: Settings, sockets: Sequence[socket.socket], *, keyed: bool = False) -> None:
        self.settings = settings
        self.keyed = keyed or bool(settings.keys)
        self.sockets = sockets
        self.folder = SharedFolder() if sockets else None
        self.environment = {
            **ONE_THREAD,
            **os.environ,
            f"{PREFIX}HOST": settings.host,
            f"{PREFIX}PORT": str(settings.port),
            LEVEL: settings.log_level,
            FORMAT: chosen_format(settings.log_format),
        }
        self.environment.pop(FOLDER, None)
        counting = {**self.environment, FOLDER: str(self.folder.path)} if self.folder else {}
        self.opening = Charge("opening", "service.jobs.opening", self.environment)
        self.servers = [
            Charge(f"server-{place}", "service.http.server", counting, sockets)
            for place in range(settings.workers if sockets else 0)
        ]
        self.workers = [
            Charge(f"worker-{place}", "service.jobs.worker", self.environment) for place in range(settings.job_workers)
        ]
        self.opened = False
        """Whether the database is ready. Servers answer before, what needs none; workers begin after that."""
        self.orders = 0
        """How often it was told to end."""
        self.greeted = not sockets

    def supervise(self) -> int:
        """Until SIGINT or SIGTERM. Returns an exit code."""
        woken, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, frame: self.be_told())
        code, patience = 0, FROZEN * self.settings.job_lease
        while not self.orders:
            for charge in self.charges:
                if charge is self.opening and charge.ended() is not None:
                    code, self.opened = charge.ended() or 0, True
                    charge.forget_pipe()
                elif charge.has_died(patience):
                    # A server that did not come up will not come up the next time.
                    code = 1 if charge.gave_up and not self.greeted else 0
                    self.forget_living(charge)
                elif charge.process is None and monotonic() >= charge.due:
                    charge.start()
                if code:
                    self.orders += 1
                    break
            self.hear(woken)
            bury({charge.process.pid for charge in self.charges if charge.process is not None})
        self.end()
        if self.folder:
            self.folder.remove()
        return code

    @property
    def charges(self) -> list[Charge]:
        """Those that are to run now."""
        return [*self.servers, *(self.workers if self.opened else [self.opening])]

    def forget_living(self, charge: Charge) -> None:
        if self.folder:
            self.folder.forget_living(charge.name)

    def be_told(self) -> None:
        self.orders += 1

    def hear(self, woken: int) -> None:
        """What the processes say, until it is time for the next look; a signal ends the waiting."""
        charges = {charge.pipe: charge for charge in self.charges if charge.pipe is not None}
        heard, _, _ = select.select([woken, *charges], [], [], TICK)
        for pipe in charges.keys() & set(heard):
            if charges[pipe].hear() and not self.greeted:
                host, port = self.sockets[0].getsockname()[:2]
                self.greeted = True
                try:
                    print(greeting(host, port, self.keyed), flush=True)
                except OSError as error:  # who started it does not listen any more
                    log.warning("the greeting could not be written (%s)", type(error).__name__)

    def end(self) -> None:
        """Tell all to end, and kill what does not in time, or at once when told again."""
        running = [charge.process for charge in self.charges if charge.process is not None]
        for process in running:
            process.terminate()
        until = monotonic() + self.settings.grace + EXTRA
        told = self.orders
        for process in running:
            while process.poll() is None:
                if monotonic() > until or self.orders > told:
                    process.kill()
                try:
                    process.wait(TICK)
                except subprocess.TimeoutExpired:
                    continue


def serve(settings: Settings, *, keyed: bool = False) -> int:
    """Answer requests, and do jobs. Raises BadSetting if it cannot listen. `keyed`: there are keys in the database."""
    begin_log(settings)
    return Supervisor(settings, listen(settings.host, settings.port), keyed=keyed).supervise()


def begin_log(settings: Settings) -> None:
    start_log(settings.log_format, settings.log_level)
    for name in unknown_variables():
        log.warning("%s is set, but there is no such setting", ascii(name)[1:-1])


def work(settings: Settings) -> int:
    """Do jobs only."""
    begin_log(settings)
    return Supervisor(settings, ()).supervise()
