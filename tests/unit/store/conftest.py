from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    one = Shelf(tmp_path / "store" / "journal.db")
    yield one
    one.close()
