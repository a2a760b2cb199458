"""What the tests of several commands have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.systemctl import Systemctl

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return Systemctl(folder)
