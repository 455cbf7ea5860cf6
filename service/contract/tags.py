"""The groups of operations on the page /docs, in the order in which they are shown there."""

from __future__ import annotations

TAGS = {
    "gradients": "Every value and gradient of a problem, confirmed by a second method; or yours, checked.",
    "grading": "Students' answers: points, the first error, the misconception, and credit for what follows.",
    "training": "Steps of an optimizer that can be followed by hand.",
    "jobs": "Long work, submitted now and fetched later, whatever happens in between.",
    "reference": "What there is to build a problem with.",
    "operation": "For whatever watches over the service.",
}
