"""How often one client may ask: a token bucket each, in bounded memory."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

MOST = 10_000
"""Clients remembered, some 2 MB. Beyond it the one that was quiet for longest is forgotten, and so may ask as one who is
new: forgetting never turns anybody away."""
ROUNDING = 1e-6
"""Seconds that the arithmetic may be off by, so that who waits as long as told is let in."""


class Buckets:
    """`rate` a minute: as many at once after a rest, then one every 60/rate seconds. 0 is any number.

    A bucket is kept as the one time at which it will be full again. Each request that is let in moves it by what it takes
    to refill one token; nobody is let in who would move it further than a full minute ahead.
    """

    def __init__(self, rate: int, most: int = MOST, clock: Callable[[], float] = monotonic) -> None:
        self.refill = 60 / rate if rate else 0.0
        self.most = most
        self.clock = clock
        self.full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, who: str) -> int:
        """Whole seconds until this client may ask again; 0 lets it in, and counts."""
        if not self.refill:
            return 0
        now = self.clock()
        full_at = max(self.full_at.get(who, now), now) + self.refill
        ahead = full_at - now - 60
        if ahead <= ROUNDING:
            self.full_at[who] = full_at
        self.full_at.move_to_end(who)  # also who is turned away is remembered
        if len(self.full_at) > self.most:
            self.full_at.popitem(last=False)
        return math.ceil(ahead) if ahead > ROUNDING else 0
