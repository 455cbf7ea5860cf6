"""What the clients return: typed views that have the fields of the contract, and read them when asked."""

import pickle
from types import NoneType
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from pydantic import BaseModel

from service.client import catalog, results
from service.client.view import View
from service.schemas.catalog import Catalog
from service.schemas.check import CheckResponse
from service.schemas.grade import GradeBatchResponse, GradeResponse
from service.schemas.gradients import GradientsResponse
from service.schemas.mistakes import MistakesResponse
from service.schemas.operation import Health
from service.schemas.train import TrainResponse

MODELS = {
    results.Solution: GradientsResponse,
    results.CheckReport: CheckResponse,
    results.Grade: GradeResponse,
    results.Batch: GradeBatchResponse,
    results.Mistakes: MistakesResponse,
    results.Training: TrainResponse,
    results.Health: Health,
    catalog.Catalog: Catalog,
}


def within(annotation, kind):
    """The classes of this kind that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, kind):
        yield annotation
    for inner in get_args(annotation):
        yield from within(inner, kind)


def compare(view, models):
    """Field by field, and down into what these hold. Where the contract has two models for one view, a field of only
    one of them is one that may be left out."""
    hints = {name: hint for name, hint in get_type_hints(view).items() if name != "raw"}
    properties = {name for name in dir(view) if isinstance(getattr(view, name), property)}
    assert {*hints, *properties} == {name for model in models for name in model.model_fields}, view
    for name, hint in hints.items():
        fields = [model.model_fields[name] for model in models if name in model.model_fields]
        if hint is not Any and not (len(fields) == len(models) and all(field.is_required() for field in fields)):
            assert NoneType in get_args(hint), (view, name)
        inner = [model for field in fields for model in within(field.annotation, BaseModel)]
        assert bool(inner) == bool(list(within(hint, View))), (view, name)
        for each in within(hint, View):
            compare(each, inner)


@pytest.mark.parametrize("view", MODELS, ids=lambda view: view.__name__)
def test_the_views_have_the_fields_of_the_contract(view):
    compare(view, [MODELS[view]])


def test_a_view_reads_what_it_says():
    item: Any = results.Item({"name": "dW1", "points": 1, "expected": [[0.5, None]], "cells": [[True]], "later": 1})
    assert np.isnan(item.expected[0, 1])
    assert item.expected is item.expected
    assert item.cells.dtype == bool
    assert item.diagnosis is None
    assert item.raw["later"] == 1
    assert repr(item) == "Item(name='dW1', points=1, later=1)"
    assert pickle.loads(pickle.dumps(item)) == item
    with pytest.raises(AttributeError, match="cannot be changed"):
        item.points = 2


def test_quantities_by_name():
    nodes = [
        {"name": "x", "value": 2.0, "gradient": [1.0]},
        {"name": "c", "value": 2.0, "gradient": None},
        {"name": "J", "value": 3, "gradient": 1, "local": [{"input": "x", "shape": [], "value": 5}]},
    ]
    solution = results.Solution({"nodes": nodes, "updates": {"x_new": [4]}, "jacobians": {"dJ/dx": {"value": [6]}}})
    found = {name: solution[name].tolist() for name in ("x", "dx", "J/x", "x_new", "dJ/dx", "dJ")}
    assert found == {"x": 2.0, "dx": [1.0], "J/x": 5, "x_new": [4], "dJ/dx": [6], "dJ": 1}
    for name in ("dc", "y"):
        with pytest.raises(KeyError, match=f"{name} is not in this answer"):
            solution[name]
