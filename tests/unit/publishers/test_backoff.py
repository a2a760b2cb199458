from __future__ import annotations

from kazasu.publishers.backoff import Backoff


def test_it_doubles_from_one_second_to_sixty() -> None:
    backoff = Backoff(lambda: 0.0)
    assert [backoff.next_s() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_chance_takes_off_up_to_a_half() -> None:
    chances = iter([0.0, 0.5, 0.999])
    backoff = Backoff(lambda: next(chances))
    assert [backoff.next_s() for _ in range(3)] == [1.0, 2 * 0.75, 4 * (1 - 0.999 / 2)]


def test_it_begins_anew_when_it_works() -> None:
    backoff = Backoff(lambda: 0.0)
    backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 1


def test_what_only_a_person_can_change_is_tried_slowly_at_once() -> None:
    backoff = Backoff(lambda: 0.0)
    backoff.slow_down()
    assert backoff.next_s() == 60
