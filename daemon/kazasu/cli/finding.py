"""One line of what `kazasu doctor` and `kazasu collect check` say, and how it is shown."""

from __future__ import annotations

import enum
import os
import sys
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SUBJECT_WIDTH = 14
_INDENT = 8 + 1 + _SUBJECT_WIDTH + 1


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


_COLOURS = {Grade.OK: "32", Grade.NOTE: "33", Grade.PROBLEM: "31"}


def tell(findings: Iterable[Finding]) -> int:
    """Show each finding as it comes, and what they amount to; returns how many are problems."""
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    problems = 0
    for finding in findings:
        problems += finding.grade is Grade.PROBLEM
        for line in _lines(finding, coloured=coloured):
            print(line, flush=True)  # the broker may take seconds: what is known is shown
    print("no problem found" if not problems else f"{problems} problem{'s' if problems > 1 else ''} found")
    return problems


def _lines(finding: Finding, *, coloured: bool) -> Iterator[str]:
    word = f"{finding.grade.value:<8}"
    if coloured:
        word = f"\x1b[{_COLOURS[finding.grade]}m{word}\x1b[0m"
    first, *others = finding.found.splitlines()
    yield f"{word} {finding.subject:<{_SUBJECT_WIDTH}} {first}"
    for line in others:
        yield " " * _INDENT + line
    if finding.todo:
        yield " " * _INDENT + "→ " + finding.todo
