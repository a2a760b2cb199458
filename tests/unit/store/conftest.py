from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path / "store" / "journal.db")
    yield one
    one.close()
