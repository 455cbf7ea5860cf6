"""What the engine returns, in the form of the wire. Optional fields are left out where there is nothing to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from engine import Certificate, CheckReport, Grade, Key, Solution, shown
from engine.check import Kink, Verdict
from engine.grading import Distinction
from engine.ops.row import Array
from engine.solution import Local, SolvedNode
from engine.training import TrainedSteps, TrainingStep
from service.replies.numbers import Numbers, as_json


def render_solution(solution: Solution) -> dict[str, Any]:
    numbers = Numbers()
    updates = {name: numbers(name, value) for name, value in solution.updates.items()}
    return {
        "output": solution.output,
        "value": numbers(solution.output, solution.value),
        "nodes": [render_node(node) for node in solution.nodes],
        **present("updates", updates),
        **present("jacobians", render_jacobians(solution.jacobians)),
        **present("warnings", list(solution.warnings)),
        "certificate": render_certificate(solution.certificate),
        **numbers.reason(),
    }


def render_node(node: SolvedNode) -> dict[str, Any]:
    numbers = Numbers()
    rendered: dict[str, Any] = {"name": node.name, "kind": node.kind}
    if node.op:
        rendered["op"] = node.op
    rendered["inputs"] = node.inputs
    rendered["shape"] = node.shape
    rendered["value"] = as_json(node.value)  # finite: no other problem can be read
    if node.gradient is None:
        rendered["gradient"] = None
        numbers.absent(f"{node.name} is a constant: it has no gradient")
    else:
        rendered["gradient"] = numbers(f"d{node.name}", node.gradient)
    if node.formula:
        rendered["formula"] = asdict(node.formula)
    if node.value_formula:
        rendered["value_formula"] = asdict(node.value_formula)
    if node.local:
        rendered["local"] = [render_local(node, each) for each in node.local]
    if numbers.reasons:
        rendered |= numbers.reason()
    return rendered


def render_local(node: SolvedNode, local: Local) -> dict[str, Any]:
    return {"input": local.input, **shaped(f"{node.name}/{local.input}", local.value)}


def render_jacobians(jacobians: Mapping[str, Array]) -> dict[str, Any]:
    return {name: shaped(name, value) for name, value in jacobians.items()}


def shaped(name: str, value: Array) -> dict[str, Any]:
    numbers = Numbers()
    return {"shape": value.shape, "value": numbers(name, value), **numbers.reason()}


def render_certificate(certificate: Certificate) -> dict[str, Any]:
    numbers = Numbers()
    if certificate.reason:
        numbers.absent(certificate.reason)
    return {
        "method": certificate.method,
        "status": certificate.status,
        "max_error": numbers("max_error", certificate.max_error),
        "coordinates": certificate.coordinates,
        "kinks": render_kinks(certificate.kinks),
        **numbers.reason(),
    }


def render_check(report: CheckReport) -> dict[str, Any]:
    return {
        "status": report.status,
        "method": report.method,
        "gradients": [render_verdict(each) for each in report.gradients],
        "coordinates": report.coordinates,
        "evaluations": report.evaluations,
        **({} if report.step is None else {"step": report.step}),
        **({} if report.seed is None else {"seed": report.seed}),
        "seconds": report.seconds,
    }


def render_verdict(verdict: Verdict) -> dict[str, Any]:
    numbers = Numbers()
    if verdict.reason:
        numbers.absent(verdict.reason)
    rendered = {
        "name": verdict.name,
        "status": verdict.status,
        "max_error": numbers("max_error", verdict.max_error),
        "error_bound": numbers("error_bound", verdict.error_bound),
    }
    if verdict.worst:
        rendered["worst"] = {
            "index": verdict.worst.index,
            "submitted": numbers("submitted", verdict.worst.submitted),
            "numeric": numbers("numeric", verdict.worst.numeric),
        }
        rendered["disagreeing"] = verdict.disagreeing
    return {**rendered, "kinks": render_kinks(verdict.kinks), **numbers.reason()}


def render_grade(key: Key, grade: Grade, feedback: str) -> dict[str, Any]:
    """What the engine shows at this level of feedback, with null for what is expected to be infinite."""
    told = shown(key, grade, feedback)
    if feedback == "full":
        told["certificate"] = render_certificate(grade.certificate)
    for item in told["items"]:
        if "expected" in item:
            numbers = Numbers()
            item["expected"] = numbers(item["name"], item["expected"])
            item |= numbers.reason()
    return told


def render_distinction(distinction: Distinction) -> dict[str, Any]:
    return {**asdict(distinction), "tells_apart": distinction.tells_apart}


def render_training(result: TrainedSteps) -> dict[str, Any]:
    numbers = Numbers()
    return {
        "steps": [render_step(step) for step in result.steps],
        "parameters": {name: numbers(name, value) for name, value in result.parameters.items()},
        "stopped": result.stopped,
        "cost": numbers("cost", result.cost),
        "iterations_per_epoch": result.iterations_per_epoch,
        **present("message", result.message),
        **numbers.reason(),
    }


def render_step(step: TrainingStep) -> dict[str, Any]:
    numbers = Numbers()
    state = {
        what: {name: numbers(f"{what} of {name}", value) for name, value in each.items()}
        for what, each in step.state.items()
    }
    return {
        "step": step.step,
        "epoch": step.epoch,
        "batch": step.batch,
        "cost": numbers("cost", step.cost),
        **present("gradients", {name: numbers(name, value) for name, value in step.gradients.items()}),
        **present("parameters", {name: numbers(name, value) for name, value in step.parameters.items()}),
        **present("state", state),
        **numbers.reason(),
    }


def render_kinks(kinks: Iterable[Kink]) -> list[dict[str, Any]]:
    return [{"node": kink.node, "index": kink.index} for kink in kinks]


def present(field: str, value: Any) -> dict[str, Any]:
    return {field: value} if value else {}
