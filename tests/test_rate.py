"""How often one client may ask: as a bucket of tokens would have it, told truthfully, in bounded memory."""

import random

import pytest

from service.access.addresses import ELSEWHERE, address_of
from service.access.rate import Buckets


class Clock:
    def __init__(self):
        self.now = 100_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.mark.parametrize("rate", [1, 3, 7, 60, 6_000])
def test_a_minutes_requests_at_once_and_then_as_told(rate, clock):
    buckets = Buckets(rate, clock=clock)
    assert [buckets.wait("a") for _ in range(rate)] == [0] * rate
    wait = buckets.wait("a")
    assert 0 < wait <= 60
    clock.now += wait - 1
    assert buckets.wait("a") == 1  # one second earlier is too early …
    clock.now += 1
    assert buckets.wait("a") == 0  # … and what was told is enough


def test_as_a_bucket_of_tokens(clock):
    rng = random.Random(0)
    buckets, tokens, let_in = Buckets(12, clock=clock), 12.0, 0
    for _ in range(2_000):
        passed = rng.choice([0, 0, 0.5, 1, 5, 5, 5]) if rng.random() < 0.99 else 61
        clock.now += passed
        tokens = min(12.0, tokens + passed / 5)
        allowed = tokens > 1 - 1e-6
        tokens -= allowed
        let_in += allowed
        assert (buckets.wait("a") == 0) == allowed
    assert 100 < let_in < 1_900


def test_who_is_turned_away_loses_nothing_by_asking(clock):
    buckets = Buckets(1, clock=clock)
    buckets.wait("a")
    assert [buckets.wait("a") for _ in range(100)] == [60] * 100
    clock.now += 60
    assert buckets.wait("a") == 0


def test_clients_are_counted_apart(clock):
    buckets = Buckets(1, clock=clock)
    assert [buckets.wait("a"), buckets.wait("b"), buckets.wait("a")] == [0, 0, 60]


def test_0_is_any_number(clock):
    buckets = Buckets(0, clock=clock)
    assert not any(buckets.wait("a") for _ in range(1_000))


def test_memory_is_bounded_and_keeps_those_who_asked_last(clock):
    buckets, steady = Buckets(2, most=100, clock=clock), []
    for number in range(10_000):
        if number % 50 == 0:
            steady.append(buckets.wait("steady"))
        else:
            buckets.wait(f"passing {number}")
        assert len(buckets.full_at) <= 100
    assert steady == [0, 0] + [30] * 198  # a crowd that passes by does not wipe the slate


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::"),
        (("2001:db8:1:2:ffff::1", 1), "2001:db8:1:2::"),
        (("2001:db8:1:3::1", 1), "2001:db8:1:3::"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("fe80::1%eth0", 1), "fe80::"),
        (("x" * 30_000, 1), ELSEWHERE),
        (("", 0), ELSEWHERE),
        (None, ELSEWHERE),
    ],
)
def test_an_address_counts_as_what_one_client_holds(client, counted):
    assert address_of({"client": client}) == counted
