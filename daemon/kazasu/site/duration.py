"""A duration as it is read at a glance."""

from __future__ import annotations

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def short(seconds: float) -> str:
    """One unit, rounded down: `40 s`, `3 min`, `5 h`, `12 d`."""
    whole_s = max(0, int(seconds))
    for unit, unit_s in _UNITS:
        if whole_s >= unit_s:
            return f"{whole_s // unit_s} {unit}"
    return f"{whole_s} s"
