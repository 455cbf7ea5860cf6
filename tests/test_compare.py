"""How answers are read and when an entry is right: the rules of each mode, entry by entry."""

import numpy as np
import pytest

from engine.errors import BadNumbers, BadProblem, UnknownName
from engine.grading.answers import read_answer
from engine.grading.compare import MODES, Tolerance, alike, read_tolerance
from tests.timing import quickest

AS_WRITTEN = Tolerance()


def right(written, truth, tolerance=AS_WRITTEN):
    """Whether one number, or each of a list, is right."""
    answer = read_answer(written, "answers.x")
    return tolerance.right(answer, np.array(truth, dtype=float)).tolist()


@pytest.mark.parametrize(
    ("written", "value", "unit", "significant"),
    [
        ("-0.0423", -0.0423, 1e-4, 3),
        ("1.0000", 1.0, 1e-4, 5),
        ("5e-3", 0.005, 1e-3, 1),
        ("5.00E-3", 0.005, 1e-5, 3),
        (".833", 0.833, 1e-3, 3),
        ("3.", 3.0, 1.0, 1),
        ("+0.50", 0.5, 0.01, 2),
        ("1200", 1200.0, 1.0, 4),
        (" 0.25 ", 0.25, 0.01, 2),
        ("−0.25", -0.25, 0.01, 2),  # a typographic minus
        ("0.000", 0.0, 1e-3, 1),
        ("-0", 0.0, 1.0, 1),
        (0.5, 0.5, 0.1, 1),
        (6, 6.0, 1.0, 1),
        (6.0, 6.0, 1.0, 1),
        (-0.0, 0.0, 1.0, 1),
        (0.1 + 0.2, 0.30000000000000004, 1e-17, 17),
        (1e22, 1e22, 1e22, 1),
        (1.5e-7, 1.5e-7, 1e-8, 2),
    ],
)
def test_every_way_to_write_a_number_has_one_reading(written, value, unit, significant):
    answer = read_answer(written, "answers.x")
    assert answer.values == value
    digits = answer.digits()
    assert digits.unit[0] == pytest.approx(unit, rel=1e-12)
    assert digits.significant[0] == significant
    assert digits.text[0] == isinstance(written, str)


@pytest.mark.parametrize(
    ("written", "path", "sentence"),
    [
        ("1,5", "a", '"1,5" has a decimal comma: write "1.5"'),
        ("1/3", "a", '"1/3" is a fraction: write a decimal number'),
        ("NaN", "a", '"NaN" is not a finite number'),
        ("-inf", "a", "not a finite number"),
        ("", "a", "an empty text"),
        ("  ", "a", "an empty text"),
        ("0x10", "a", "is not a number such as"),
        ("1_000", "a", "is not a number such as"),
        ("1e999", "a", "too large for a 64-bit float"),
        ("1" * 80, "a", "is not a number such as"),
        ([["1.0", "2.0"], ["3.0", "x"]], "a[1][1]", '"x" is not a number'),
        ([["1.0", "2.0"], ["3.0"]], "a[1]", "ragged"),
        (["1.0", ["2.0"]], "a[1]", "ragged"),
        ([], "a", "an empty list"),
        ([[], []], "a", "an empty list"),
        (True, "a", "not true"),
        (["1.0", False], "a[1]", "not false"),
        ([1.0, float("nan")], "a[1]", "not NaN"),
        ([1.0, None, float("inf")], "a[2]", "not NaN or an infinity"),
        ({"x": 1}, "a", "not an object"),
        ([10**400], "a[0]", "too large for a 64-bit float"),
    ],
)
def test_what_is_no_number_is_refused_with_its_path(written, path, sentence):
    with pytest.raises(BadNumbers) as refusal:
        read_answer(written, "a")
    assert sentence in refusal.value.message
    assert refusal.value.path == path


def test_null_is_an_entry_that_is_not_answered():
    answer = read_answer(["0.693", None, 2], "a")
    assert answer.answered is not None
    assert answer.answered.tolist() == [True, False, True]
    assert read_answer(["0.693", "1"], "a").answered is None


TRUTH = 0.37754066879814546


@pytest.mark.parametrize(
    ("written", "truth", "expected"),
    [
        ("0.378", TRUTH, True),  # rounded
        ("0.377", TRUTH, True),  # truncated
        ("0.376", TRUTH, False),
        ("0.379", TRUTH, False),
        ("-0.377", TRUTH, False),
        ("0.38", TRUTH, True),
        ("0.37", TRUTH, True),
        ("0.4", TRUTH, False),  # too few digits
        (0.4, TRUTH, False),  # a JSON number is padded to two digits: 0.40
        (0.38, TRUTH, True),
        (TRUTH, TRUTH, True),
        (TRUTH * (1 + 5e-7), TRUTH, True),  # a float32 has 17 digits, and is right within the floor
        (TRUTH * (1 + 5e-6), TRUTH, False),
        ("0.3775407", TRUTH, True),
        ("0.3775402", TRUTH, False),
        ("0.377541", TRUTH, True),
        ("0.377542", TRUTH, False),
        ("-0.0131", -0.013187697337488319, True),  # toward zero
        ("-0.0132", -0.013187697337488319, True),
        ("-0.0133", -0.013187697337488319, False),
        ("0.12", 0.125, True),  # halves go either way
        ("0.13", 0.125, True),
        ("0.30", 0.1 + 0.2, True),  # 0.30000000000000004 is 0.3
        ("0.29", 0.1 + 0.2, False),  # and not truncated to 0.29
        ("0.29", 0.29999999999999993, False),
        ("0.955536", 0.9555369996511, True),  # truncated, although next to 0.955537
        ("1.0", 0.998, True),  # 0.998 in two digits
        ("6", 6.0, True),
        (6, 6.0, True),
        ("6", 6.2, False),  # one digit is not enough
        ("6.2", 6.2, True),
        ("60", 62.0, False),
        ("62", 62.4, True),
        ("0", 0.0, True),
        (0, 0.0, True),
        ("0.00", 0.0, True),
        (0, 0.003, False),
        ("0.00", 0.003, False),
        ("-0.5", -0.5, True),
        ("5e-1", 0.5, True),
        ("0.50", 0.5004, True),
        ("0.5", 0.5004, False),
    ],
)
def test_digits_are_read_as_a_person_would(written, truth, expected):
    assert right(written, truth) is expected


def test_zero_passes_beside_large_entries_only():
    assert right([0, "12.0"], [0.0003, 12.0]) == [True, True]
    assert right([0, 0.12], [0.011, 0.12]) == [False, True]
    assert right([0, 0.12], [0.003, 0.12]) == [True, True]  # as np.round(…, 2) has it
    assert right([0.0006, 0.2102], [0.000645, 0.2102]) == [True, True]
    assert right(["0.000", "0.120"], [0.0003, 0.12]) == [True, True]


def test_the_floor_is_for_computed_answers_alone():
    truth = [1.0, 1e-9]
    assert right([1.0000001, 2e-8], truth) == [True, True]
    assert right(["1.00", "2e-8"], truth) == [True, False]
    strict = Tolerance("as_written", {"min_significant": 2, "floor": 0.0})
    assert right([1.0000001, 2e-8], truth, strict) == [False, False]


@pytest.mark.parametrize(
    ("mode", "settings", "written", "truth", "expected"),
    [
        ("relative", {"relative": 1e-3, "absolute": 0.0}, 1.0009, 1.0, True),
        ("relative", {"relative": 1e-3, "absolute": 0.0}, 1.0011, 1.0, False),
        ("relative", {"relative": 0.0, "absolute": 1e-3}, 0.0009, 0.0, True),
        ("relative", {"relative": 1e-3, "absolute": 0.0}, 1e-9, 0.0, False),
        ("relative", {"relative": 1e-3, "absolute": 0.0}, -1e-9, 1e-9, False),
        ("significant", {"digits": 3}, 0.0318, 0.031776, True),
        ("significant", {"digits": 3}, 0.0317, 0.031776, False),
        ("significant", {"digits": 1}, 0.03, 0.031776, True),
        ("significant", {"digits": 3}, 0.004, 0.0, False),
        ("significant", {"digits": 3}, 0, 0.0, True),
        ("decimals", {"digits": 2}, 0.63, 0.625, True),
        ("decimals", {"digits": 2}, 0.62, 0.625, True),
        ("decimals", {"digits": 2}, 0.61, 0.625, False),
        ("decimals", {"digits": 0}, 3, 3.4, True),
    ],
)
def test_the_other_modes(mode, settings, written, truth, expected):
    assert right(written, truth, Tolerance(mode, settings)) is expected


@pytest.mark.parametrize("mode", MODES)
def test_every_entry_counts_on_its_own(mode):
    tolerance = Tolerance(mode, dict(MODES[mode].defaults))
    truth = np.linspace(1.0, 2.0, 1000)
    wrong = truth.copy()
    wrong[417] = -wrong[417]
    assert np.flatnonzero(~np.array(right(wrong.tolist(), truth, tolerance))).tolist() == [417]


def test_shapes_are_never_broadcast():
    assert alike((3,), (3, 1))
    assert alike((1, 3), (3,))
    assert alike((), (1, 1))
    assert not alike((3,), (3, 3))
    assert not alike((2, 3), (3, 2))
    assert not alike((1,), (3,))


def test_a_hundred_thousand_numbers_are_read_quickly():
    truth = np.random.default_rng(0).standard_normal((784, 128))
    exact, rounded = truth.tolist(), [[f"{x:.4f}" for x in row] for row in truth]
    assert quickest(lambda: right(exact, truth), enough=0.2) < 0.2
    assert quickest(lambda: right(rounded, truth), enough=4) < 4
    assert np.all(right(exact, truth))
    assert np.mean(right(rounded, truth)) > 0.999  # four decimals are too few for none but the smallest


def test_tolerances_are_read_strictly():
    assert read_tolerance({"mode": "relative"}, "t").settings == {"relative": 1e-6, "absolute": 1e-12}
    with pytest.raises(UnknownName, match="did you mean 'relative'"):
        read_tolerance({"mode": "relativ"}, "t")
    with pytest.raises(BadProblem, match="has no field 'digits'"):
        read_tolerance({"mode": "relative", "digits": 3}, "t")
    with pytest.raises(BadNumbers, match="whole number"):
        read_tolerance({"mode": "significant", "digits": 2.5}, "t")
    with pytest.raises(BadNumbers, match="at least 0"):
        read_tolerance({"mode": "relative", "relative": -1}, "t")


@pytest.mark.parametrize("value", [[[None], [None] * 2_000_000], ["1"] * 2_000_000 + ["x"], [[["1"] * 1000] * 1000] * 2])
def test_what_has_more_entries_than_any_answer_is_not_read_one_by_one(value):
    def read():
        with pytest.raises(BadNumbers, match="more than 1,000 entries"):
            read_answer(value, "a", 1_000)

    assert quickest(read, enough=0.5) < 0.5


def test_nulls_and_text_are_read_up_to_the_most():
    assert read_answer([["1"] * 500, [None] * 500], "a", 1_000).shape == (2, 500)
