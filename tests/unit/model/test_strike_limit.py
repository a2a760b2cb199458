from __future__ import annotations

import pytest

from kazasu.model.door_outcome import LockOutput
from kazasu.model.door_settings import DoorSettings, Fail
from kazasu.model.strike_limit import StrikeLimit

LOCKED = LockOutput(released=False, energised=False, lasting=False, release=0)


def released(number: int, *, lasting: bool = False, fail: Fail = Fail.SECURE) -> LockOutput:
    return LockOutput(released=True, energised=fail is Fail.SECURE, lasting=lasting, release=number)


def test_a_release_within_the_limit_passes() -> None:
    limit = StrikeLimit(18)
    assert limit.limited(released(1), 100) == released(1)
    assert limit.wake_at_s == 118
    assert limit.limited(released(1), 117.9) == released(1)
    assert limit.limited(LOCKED, 117.9) == LOCKED
    assert limit.wake_at_s is None


@pytest.mark.parametrize("fail", Fail)
def test_a_lock_stuck_on_is_cut_and_stays_cut_until_it_is_told_to_lock(fail: Fail) -> None:
    limit = StrikeLimit(18)
    stuck = released(1, fail=fail)
    limit.limited(stuck, 100)
    for now_s in (118, 119, 10_000):
        got = limit.limited(stuck, now_s)
        assert not got.released
        assert got.energised == (fail is Fail.SAFE)
        assert limit.cut
        assert limit.wake_at_s is None
    limit.limited(LOCKED, 10_001)
    assert not limit.cut
    assert limit.limited(stuck, 10_002).released


def test_each_release_has_the_limit_to_itself_so_a_queue_at_a_gate_is_never_cut() -> None:
    limit = StrikeLimit(18)
    for number in range(3600):
        assert limit.limited(released(number), number).released


def test_what_lasts_by_schedule_or_fire_is_not_cut_not_even_after_a_cut() -> None:
    limit = StrikeLimit(18)
    limit.limited(released(1), 0)
    assert not limit.limited(released(1), 20).released
    assert limit.limited(released(1, lasting=True), 21).released
    assert limit.limited(released(1, lasting=True), 100_000).released
    assert not limit.cut


def test_one_grant_never_takes_so_long_as_the_limit_that_fits_the_door() -> None:
    settings = DoorSettings(name="lab", extended_release_s=60, held_open_warning_s=60, held_open_s=70)
    limit = StrikeLimit(settings.longest_release_s + 1)
    limit.limited(released(1), 0)
    assert limit.limited(released(1), settings.longest_release_s).released


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        StrikeLimit(0)
