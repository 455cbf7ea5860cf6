"""Arrays that are kept: they are what they should be, nobody can write to them, and there are never many."""

import numpy as np
import pytest

from engine.ops.constants import FEW, MOST_KEPT, Constants, ones, starts, zeros


@pytest.mark.parametrize("shape", [3, (2, 3), FEW, FEW + 1, (FEW, 2)])
def test_they_are_of_one_number(shape):
    sevens = Constants(7.0)
    assert np.array_equal(sevens[shape], np.full(shape, 7.0))
    assert (shape in sevens) == (sevens[shape].size <= FEW)
    with pytest.raises(ValueError, match="read-only"):
        sevens[shape][...] = 1.0


def test_only_so_many_are_kept():
    twos = Constants(2.0)
    for count in range(3 * MOST_KEPT):
        assert twos[count].tolist() == [2.0] * count
        assert len(twos) <= MOST_KEPT


def test_something_like_an_array_is_as_it_is_laid_out():
    """Of others, a number compares sooner."""
    x = np.ones((4, 3))
    assert np.array_equal(zeros.like(x), np.zeros((4, 3)))
    assert zeros.like(x.T) == 0.0
    assert ones.like(np.ones(FEW + 1)) == 1.0


def test_rows_start_where_they_start():
    for count in (1, 5, FEW + 1):
        assert np.array_equal(np.arange(count * 3)[starts(count, 3)], np.arange(count * 3).reshape(count, 3)[:, 0])
