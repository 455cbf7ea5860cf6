"""Peers that may be missing: what cannot be imported is named as skipped, and all else is measured."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any


def installed(module: str) -> bool:
    return find_spec(module) is not None


def torch_on_one_thread() -> Any:
    """None where there is no torch."""
    if not installed("torch"):
        return None
    import torch

    torch.set_num_threads(1)
    return torch
