"""Which card kinds there are: a line each. Another package adds its own with an entry point of the group below."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from kazasu.cards.kind import KindModule

KINDS: Final = (
    "desfire",
    "jpki",
    "piv",
    "felica",
    "mifare",
    "staff",
    "common",
)
"""Each is a module of this package, and is imported only if the configuration names it."""

ENTRY_POINTS: Final = "kazasu.cards"
"""The group: `name = "package.module"`, a module as `kind.KindModule` describes it."""


def module_of(name: str) -> KindModule | None:
    """The module of a kind; None if nobody has one."""
    if name in KINDS:
        return cast("KindModule", import_module(f"kazasu.cards.{name}"))
    entry_point = _entry_points().get(name)
    return None if entry_point is None else cast("KindModule", entry_point.load())


def names() -> tuple[str, ...]:
    """All kinds: Kazasu's, then those of other packages."""
    return (*KINDS, *sorted(_entry_points().keys() - set(KINDS)))


def _entry_points() -> dict[str, EntryPoint]:
    # Looking through all installed packages takes longer than all else at the start, so only a foreign name does it.
    from importlib.metadata import entry_points

    return {entry_point.name: entry_point for entry_point in entry_points(group=ENTRY_POINTS)}
