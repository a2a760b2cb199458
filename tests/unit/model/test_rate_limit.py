from __future__ import annotations

from kazasu.model.rate_limit import RateLimit


def test_so_many_at_once_and_then_one_each_so_many_seconds() -> None:
    limit = RateLimit(3, 10.0)

    assert [limit.allows(5.0) for _ in range(4)] == [True, True, True, False]
    assert not limit.allows(14.9)
    assert limit.allows(15.0)
    assert not limit.allows(15.0)


def test_a_long_pause_allows_no_more_than_at_the_beginning() -> None:
    limit = RateLimit(2, 1.0)
    limit.allows(0.0)

    assert [limit.allows(1e9) for _ in range(3)] == [True, True, False]
