"""What tests of a site's side share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kazasu.virtual.site import make_site

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.site.directory import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site")
