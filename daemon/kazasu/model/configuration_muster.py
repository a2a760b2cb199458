"""What an installer can set about a muster; each class is a table of config/kazasu.toml, as in configuration.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from kazasu.model.table import Name, ReaderName, Table


class MusterService(Table, frozen=True, kw_only=True):
    """[services.muster]."""

    readers: Annotated[
        tuple[ReaderName, ...], msgspec.Meta(min_length=1, description="names of [[readers]], one or more")
    ]
    fire: bool = False


class Muster(Table, frozen=True, kw_only=True):
    """[muster]."""

    terminals: dict[Name, Path]
