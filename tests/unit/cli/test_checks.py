"""How the doctor judges what it finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kazasu.cli.checks import _validity
from kazasu.cli.finding import Grade

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("begins", "ends", "grade", "found"),
    [
        (NOW - YEAR, NOW + timedelta(days=60), Grade.OK, "60 days left"),
        (NOW - YEAR, NOW + timedelta(days=60) - MINUTE, Grade.NOTE, "59 days left"),
        (NOW - YEAR, NOW + timedelta(days=7), Grade.NOTE, "7 days left"),
        (NOW - YEAR, NOW + timedelta(days=7) - MINUTE, Grade.PROBLEM, "6 days left"),
        (NOW - YEAR, NOW + timedelta(days=1), Grade.PROBLEM, "1 day left"),
        (NOW - YEAR, NOW + MINUTE, Grade.PROBLEM, "less than one day left"),
        (NOW - YEAR, NOW - MINUTE, Grade.PROBLEM, "expired on 2026-04-01 11:59 UTC"),
        (NOW + MINUTE, NOW + YEAR, Grade.PROBLEM, "not valid before 2026-04-01 12:01 UTC"),
    ],
)
def test_a_certificate_is_judged_by_the_days_it_has_left(
    begins: datetime, ends: datetime, grade: Grade, found: str
) -> None:
    finding = _validity("certificate", Path("client.pem"), begins, ends, NOW)
    assert finding.grade is grade
    assert finding.found == f"client.pem: {found}"
    assert bool(finding.todo) is (grade is not Grade.OK)
