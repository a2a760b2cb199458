"""One line of what `kazasu doctor` says."""

from __future__ import annotations

import enum

import msgspec


class Grade(enum.Enum):
    """How a finding is meant."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


class Finding(msgspec.Struct, frozen=True):
    """One line of the report.

    Attributes:
        grade: how it is meant.
        subject: what was looked at.
        found: what is so.
        todo: what to do about it; empty if nothing.
    """

    grade: Grade
    subject: str
    found: str
    todo: str = ""
