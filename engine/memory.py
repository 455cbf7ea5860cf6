"""Memory that large arrays leave is kept for the next ones.

Beyond a threshold the C library gives freed memory back to the system, and takes it anew page by page, which costs more than
the arithmetic done in it. glibc raises that threshold when a large block is freed; this one is freed untouched.
"""

from __future__ import annotations

import numpy as np

KEPT = 2**24
"""Bytes of the block; glibc then keeps up to twice as many free."""


def keep_memory() -> None:
    np.empty(KEPT, dtype=np.uint8)
