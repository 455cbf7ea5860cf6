"""GET /v1/catalog: the tables of the engine."""

from __future__ import annotations

from typing import Any

from service.client.view import View


class Option(View):
    name: str
    required: bool
    default: Any


class OpFormula(View):
    value: str
    gradients: list[str]


class CatalogOp(View):
    name: str
    summary: str
    operands: list[str]
    options: list[Option]
    formula: OpFormula
    at_kinks: str | None


class CatalogLoss(CatalogOp):
    labels: str
    predictions: str
    class_indices: bool
    last_layers: list[str]
    advice: str | None


class CatalogOptimizer(View):
    name: str
    options: list[Option]
    formula: str
    recurrence: list[str]
    state: list[str]


class CheckMethod(View):
    name: str
    summary: str


class CatalogMistake(View):
    code: str
    family: str
    message: str


class CatalogTolerance(View):
    name: str
    options: list[Option]
    formula: str


class Catalog(View):
    ops: list[CatalogOp]
    activations: list[CatalogOp]
    losses: list[CatalogLoss]
    optimizers: list[CatalogOptimizer]
    check_methods: list[CheckMethod]
    mistakes: list[CatalogMistake]
    tolerances: list[CatalogTolerance]
    conventions: dict[str, list[str]]
