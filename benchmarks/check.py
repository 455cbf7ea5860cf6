"""A full check of all parameters' gradients by exact increments, against one pass and against what others check with.

    pip install -e '.[bench,test]'
    python benchmarks/check.py

Gate: on 784-128-10 with 64 examples no more than twice one pass of value and gradient. It is on `certify`, which computes
values and gradients and confirms them: a pass of its own is in it. `confirm` takes the gradients as given and computes the
values it needs and the differences, as the others do: a loop and scipy know no other gradients, and torch spends less than a
hundredth of its time on them. `confirm, values given` shows what the second method alone costs; `check` gives a verdict on
every tensor, with error bounds. Each once for the gradients of the parameters and once for those of all nodes, inputs
included, and each is set against the pass that computes as many. The others are held against `certify` and against
`confirm`. Where all is plainly right, a certificate is a few operations (`engine.check.plain`); these networks are such.
What is known of a network's structure is kept, as it is for all networks of a structure that a service is asked about.

Others are timed whole, or on the bias of one layer and multiplied up (marked ~) where that would take minutes. Those that
look along one random direction are timed whole, and it is said where they refuse gradients that are right. All times are
medians of processor time; contestants take turns, one thread, float64. What is short is repeated in its turn, so that all
have their numbers at hand; `confirm, other numbers` has not. Once a turn (`TURN` in _timing.py at 0), when others have
emptied the caches, a `confirm` of 64-32-10 took 13 % longer, which is more than what is left of the gate on torch slow.
Its guard moves all tensors along a direction, and one coordinate of weights alone, drawn once and for all: here of W2. One
of W1 took 5 % longer. How right each is: benchmarks/check_accuracy.py.
"""

from __future__ import annotations

from _timing import timed  # first: it pins BLAS to one thread

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle

from _checkers import CHECKERS
from _installed import installed, torch_on_one_thread
from _networks import Network
from _report import Reading, Wanted, run

from engine import certify, check, read_problem

TARGETS = {
    (8, 16, 16, 4): {"naive": 100, "torch slow": 250},
    (64, 32, 10): {"naive": 1_000, "torch slow": 2_500},
    (784, 128, 10): {"naive": 50_000, "torch slow": 80_000},
    (64, 64, 64, 64, 64, 10): {"naive": 200},
}
"""How many times faster than each other one."""
EXAMPLES = {(8, 16, 16, 4): 32}
WHOLE = 3_000
"""Parameters up to which the others are timed whole."""
LARGE = 100_000
"""Parameters from which a certificate is to cost no more than PASSES."""
PASSES = Wanted("≤", 2)
CERTIFY, CONFIRM = "certify, parameters", "confirm, parameters"

OTHERS = 25
"""Networks of the same structure."""

reading = partial(Reading, "check")


def other_numbers(widths: Sequence[int], examples: int) -> Callable[[], object]:
    """What confirms the gradients of one of several networks in turn."""
    problems = [read_problem(Network(widths, examples, seed).wire()) for seed in range(1, OTHERS + 1)]
    turns = cycle([(each, each.run().gradients_of(each.graph.parameters)) for each in problems])

    def confirm() -> object:
        problem, gradients = next(turns)
        return certify(problem, gradients=gradients)

    return confirm


def own(network: Network, case: str, share: float) -> Iterator[Reading]:
    """Ours, each beside the pass that computes as much."""
    problem = read_problem(network.wire())
    parameters = problem.graph.parameters
    done = problem.run()
    some, every = done.gradients_of(parameters), done.gradients

    def certify_parameters() -> object:
        fresh = problem.run()
        return certify(problem, fresh, gradients=fresh.gradients_of(parameters))

    times = timed(
        {
            "pass, parameters": lambda: problem.run().gradients_of(parameters),
            "pass, all nodes": lambda: problem.run().gradients,
            CERTIFY: certify_parameters,
            "certify, all nodes": lambda: certify(problem),
            CONFIRM: lambda: certify(problem, gradients=some),
            "confirm, other numbers": other_numbers(network.widths, len(network.X)),
            "confirm, all nodes": lambda: certify(problem, gradients=every),
            "confirm, values given": lambda: certify(problem, done, gradients=some),
            "check, parameters": lambda: check(problem),
        },
        seconds=3.0,
        share=share,
    )
    large = sum(each.size for each in network.parameters) > LARGE
    for what, time in times.items():
        kind, _, which = what.partition(", ")
        found = reading(case, what, time.median, note="gradients given" if kind == "confirm" else "")
        if kind == "pass":
            yield found
        else:
            asked = PASSES if large and kind == "certify" else None
            nodes = "all nodes" if which == "all nodes" else "parameters"
            yield found.beside("one pass", times[f"pass, {nodes}"].median, wanted=asked)


def others(network: Network, mine: Sequence[Reading], wanted: dict[str, int], share: float) -> Iterator[Reading]:
    """Each other checker, and how many times longer it takes than each of ours."""
    sizes = [each.size for each in network.parameters]
    whole = sum(sizes) <= WHOLE
    which = None if whole else [1]  # the first bias: every layer is computed for it
    factor = 1.0 if whole else sum(sizes) / sizes[1]
    verdicts: dict[str, object] = {}

    def look(name: str, which: list[int] | None) -> None:
        verdicts[name] = CHECKERS[name].look(network, which)

    for every_entry, seconds, least in ((True, 5.0, 3), (False, 3.0, 5)):
        names = [name for name, each in CHECKERS.items() if each.every_entry == every_entry]
        slice_of = which if every_entry else None
        found = {name: partial(look, name, slice_of) for name in names if installed(CHECKERS[name].module)}
        times = timed(found, seconds=seconds, least=least, share=share)
        for name in names:
            asked = Wanted("≥", wanted[name]) if name in wanted else None
            if name not in times:
                yield from (each.without(name, wanted=asked) for each in mine)
                continue
            sliced = every_entry and not whole
            for each in mine:
                yield each.against(
                    name,
                    times[name].median * (factor if sliced else 1.0),
                    wanted=asked,
                    extrapolated=sliced,
                    note="refuses these gradients, which are right" if verdicts[name] is False else "",
                )


def readings(share: float) -> Iterator[Reading]:
    torch_on_one_thread()
    for widths, wanted in TARGETS.items():
        examples = EXAMPLES.get(widths, 64)
        network, case = Network(widths, examples), "-".join(map(str, widths)) + f" × {examples}"
        yield reading(case, "parameters", sum(each.size for each in network.parameters), "")
        ours = list(own(network, case, share))
        yield from ours
        mine = [reading(case, each.what, each.ours) for each in ours if each.what in (CERTIFY, CONFIRM)]
        yield from others(network, mine, wanted, share)


if __name__ == "__main__":
    run(readings, __doc__)
