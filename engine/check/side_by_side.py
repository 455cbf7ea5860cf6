"""Gradients of all nodes compared as one vector: on small problems what takes time is going from node to node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from math import prod
from operator import itemgetter

import numpy as np

from engine.check.estimates import apart
from engine.graph.graph import Graph
from engine.ops.row import Array
