"""The keys that are good now: those of the settings, and those that were in the database a moment ago.

A thread looks into the database every other second, so that a request never waits for it, and a key that is created or
revoked is so in every process without a restart. While the database is away the keys of the last look go on to be good.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from concurrent.futures import Future
from pathlib import Path
from time import monotonic

from service.access.exposure import is_closed
from service.access.key_store import KeyStore
from service.keys import Client, Keys, read_keys
from service.settings import Settings
from service.telemetry.environment import FOLDER

LOOK = 2.0
"""Seconds between two looks at the database."""
WITHIN = 5
"""Seconds within which a revoked key stops working everywhere, as the documentation has it: a look, and some to spare."""
RETRY = 0.5
"""Seconds before another try, as long as there was no look at all."""
AGAIN = 1.0
"""Seconds between two looks because of keys that are not known."""
WAIT = 1.0
"""The longest that a request with such a key waits for one."""
NOTE = 60.0
"""Seconds between two notes that a key was used."""
MARK = "keys-are-needed"
"""A file in the folder that the processes of one service share while it runs."""
END = 1.0
"""Seconds that the last note may take when the service ends."""

log = logging.getLogger("verigrad.keys")


class Keyring:
    def __init__(self, settings: Settings) -> None:
        """Until it is opened, it has the keys of the settings alone."""
        self.store = KeyStore(settings)
        self.static = self.keys = read_keys(settings.keys)
        folder = os.environ.get(FOLDER)
        self.mark = Path(folder, MARK) if folder else None
        self.needed = bool(self.static) or is_closed(settings) or bool(self.mark and self.mark.exists())
        """Whether nobody may come without a key. Once that is so it stays so, whatever is revoked or wiped."""
        self.unread = False
        """Whether nobody could tell yet which keys there are."""
        self.failing = False
        self.used: dict[str, float] = {}
        """When keys were used, by id, as far as it is not noted."""
        self.noted: dict[str, float] = {}
        self.note: threading.Thread | None = None
        self.wake = threading.Event()
        self.closing = False
        self.thread: threading.Thread | None = None
        self.again: Future[None] | None = None
        self.asked = float("-inf")

    # What the gate asks

    def client_of(self, key: bytes) -> Client | None:
        entry = self.keys.find(key)
        if entry is None:
            return None
        if entry.id:
            self.used[entry.id] = monotonic()
        return entry.client

    async def look_again(self) -> None:
        """For a key that is not known: it may have been created a moment ago. Who comes during such a look waits for it too;
        who comes within a second of it does not: guessing is no way to keep the database busy."""
        if self.thread is None:
            return
        again = self.again
        if again is None or again.done():
            if monotonic() - self.asked < AGAIN:
                return
            self.asked = monotonic()
            again = self.again = Future()
            self.wake.set()
        await asyncio.wait([asyncio.wrap_future(again)], timeout=WAIT)

    # What the thread does

    def open(self) -> None:
        """Look for the first time, and go on. It waits for the database."""
        self.unread = True
        self.look()
        self.thread = threading.Thread(target=self.watch, name="keys", daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.closing = True
        self.wake.set()
        if self.thread is not None:
            self.thread.join(END)
            self.thread = None
        self.store.close()

    def watch(self) -> None:
        while not self.closing:
            self.wake.wait(RETRY if self.unread else LOOK)
            self.wake.clear()
            again = self.again
            self.look()
            if again is not None and not again.done():
                again.set_result(None)
            due = self.due()
            if due and (self.note is None or not self.note.is_alive()):
                # In a thread of its own: a database may be long in taking a note, and is to be looked at meanwhile.
                self.begin_note(due)
        if self.note is not None:
            self.note.join(END)
        if left := set(self.used):
            self.note_used(left)

    def look(self) -> None:
        try:
            found = self.store.look()
        except Exception as error:
            # Whatever it is: without this thread a revoked key would be good for ever.
            if not self.failing:
                what = "nobody is let in by one" if self.unread else "those known so far go on to be good"
                log.warning("the keys in the database cannot be read (%s): %s", type(error).__name__, what)
            self.failing = True
            return
        if self.failing:
            log.info("the keys in the database can be read again")
        if found.any and not self.needed:
            if not self.unread:  # by the first look it is no news
                log.info("there is a key now: from here on nobody is let in without one")
            self.need()
        # Replaced as a whole: a request sees those of before or those of now.
        self.keys = Keys([*self.static.entries, *found.entries])
        self.unread = self.failing = False

    def begin_note(self, ids: set[str]) -> None:
        note = threading.Thread(target=self.note_used, args=(ids,), name="keys' use", daemon=True)
        try:
            note.start()
        except RuntimeError as error:  # there may be no more threads: the looking goes on, and the note is for the next time
            log.warning("the use of %d keys is not noted yet (%s)", len(ids), error)
            return
        self.note = note

    def need(self) -> None:
        """From now on, also for whoever takes the place of this process."""
        self.needed = True
        if self.mark is not None:
            try:
                self.mark.touch()
            except OSError as error:
                log.warning("it could not be noted that keys are needed (%s)", type(error).__name__)

    def due(self) -> set[str]:
        """Keys whose use is to be noted."""
        before = monotonic() - NOTE
        return {id for id in list(self.used) if self.noted.get(id, before) <= before}

    def note_used(self, ids: set[str]) -> None:
        moment = monotonic()
        ages = {id: moment - self.used.pop(id) for id in ids}
        self.noted.update(dict.fromkeys(ids, moment))  # also if it fails: what is lost is noted with the next use
        try:
            self.store.note_used(ages)
        except Exception as error:
            log.warning("the use of %d keys could not be noted (%s)", len(ages), type(error).__name__)
