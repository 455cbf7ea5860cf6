"""The table of ops. An op, an activation or a loss is one row; everything else reads the table."""

from __future__ import annotations

from engine.ops import activations, arithmetic, functions, linear, losses, reductions, shaping
from engine.ops.row import Op

OPS: dict[str, Op] = {
    row.name: row
    for family in (arithmetic, functions, linear, reductions, shaping, activations, losses)
    for row in family.ROWS
}
"""Every op that an expression may call, by name. The affine layers of networks are in `dense`."""

ACTIVATIONS: dict[str, Op] = {name: OPS[name] for name in activations.ACTIVATIONS}
LOSSES: dict[str, Op] = {row.name: row for row in losses.ROWS}
