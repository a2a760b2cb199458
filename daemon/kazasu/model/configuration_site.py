"""[site]: whom a terminal lets move it from outside (design, rule 8)."""

from __future__ import annotations

from pathlib import Path

from kazasu.model.table import Table


class Site(Table, frozen=True, kw_only=True):
    """[site]."""

    key: Path
