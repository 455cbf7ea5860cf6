"""Replies that were given before: an auto-grader that asks the same again, as graders do, is answered at once.

The same request always has the same reply, byte for byte, so that a kept one is no different from a new one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from hashlib import blake2b
from typing import NamedTuple

from service.replies.problem_documents import Reply

REPEATABLE = {"gradients", "grade", "mistakes", "train"}
"""Not a check: it tells how long it took. Nor a batch: a fault may be among its results, which is to be tried again."""
MOST_SENT = 4 * 2**20
"""Bytes of a body: to hash more takes a good part of what it could save, even with BLAKE2, which is quick everywhere."""
PART = 4
"""One reply takes at most this part of the room."""


class Asked(NamedTuple):
    operation: str
    answers_shown: bool
    body: bytes


class KeptReplies:
    """The last ones, in so many bytes. Only what was answered is kept: what is refused is refused quickly anyway."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = 0
        self.kept: OrderedDict[Hashable, Reply] = OrderedDict()

    def key_of(self, operation: str, body: bytes, answers_shown: bool) -> Asked | None:
        """What the reply depends on; None if it is not to be kept."""
        if operation not in REPEATABLE or not self.most or len(body) > MOST_SENT:
            return None
        return Asked(operation, answers_shown, blake2b(body, digest_size=32).digest())

    def find(self, key: Asked | None) -> Reply | None:
        reply = self.kept.get(key)
        if reply is not None:
            self.kept.move_to_end(key)
        return reply

    def keep(self, key: Asked | None, reply: Reply) -> None:
        length = len(reply.content)
        if key is None or reply.status != 200 or length > self.most // PART:
            return
        self.forget(key)
        self.kept[key] = reply
        self.size += length
        while self.size > self.most:
            self.forget(next(iter(self.kept)))

    def forget(self, key: Hashable) -> None:
        reply = self.kept.pop(key, None)
        if reply is not None:
            self.size -= len(reply.content)
