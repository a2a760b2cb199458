"""The time recorder in the configuration."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec

from kazasu.model.setting import Duration, LocalTime, TimeRange, within
from kazasu.model.table import AssuranceWord, ReaderName, Table

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Stricter(Table, frozen=True, kw_only=True):
    """[[services.<service>.stricter]]."""

    during: TimeRange
    min_assurance: AssuranceWord
    days: Annotated[tuple[Weekday, ...], msgspec.Meta(min_length=1)] = get_args(Weekday)


class Attendance(Table, rename={"in_": "in"}, frozen=True, kw_only=True):
    """[services.attendance]."""

    readers: tuple[ReaderName, ...] | None = None
    direction: Literal["alternate", "button", "schedule"] = "alternate"
    day_boundary: LocalTime = LocalTime(5)
    repeat_after: Duration = Duration(120)
    button_within: Duration = Duration(10)
    min_assurance: AssuranceWord | None = None
    stricter: tuple[Stricter, ...] = ()
    in_: tuple[TimeRange, ...] = ()
    out: tuple[TimeRange, ...] = ()

    def __post_init__(self) -> None:
        within(self.repeat_after, "repeat_after", 0, 3600)
        within(self.button_within, "button_within", 1, 60)
        scheduled = bool(self.in_ or self.out)
        if scheduled != (self.direction == "schedule"):
            raise ValueError('`in` and `out` belong to direction = "schedule", and it needs at least one of them')
        minutes: set[int] = set()
        for time_range in (*self.in_, *self.out):
            if both := minutes & time_range.minutes:
                hour, minute = divmod(min(both), 60)
                raise ValueError(f"the ranges of `in` and `out` overlap at {hour:02}:{minute:02}")
            minutes |= time_range.minutes
