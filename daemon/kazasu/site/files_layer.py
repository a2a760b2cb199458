"""Which layer of the pepper the roster's files are under: `pepper.id` says it, unless a change was broken off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import KeyMaterialError, RosterError
from kazasu.model.pepper import PEPPER_ID
from kazasu.store.keys import read_checked

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.site.directory import Site


def relaid_folder(site: Site) -> Path:
    """Where a change of all the roster's files to another layer is under way; see `broken_off`."""
    return site.file("roster") / ".relaid"


def broken_off(site: Site) -> bool:
    """Whether such a change lost its power: some of the files are under the one layer, some under the other."""
    return relaid_folder(site).exists()


def layer_of(site: Site) -> str:
    """What the layer is called that the roster's files are under, all of them.

    Raises:
        KeyMaterialError: pepper.id is missing or damaged.
        RosterError: a change to another layer was broken off.
    """
    if broken_off(site):
        raise RosterError(
            f"{site.file('roster')} was on its way to another layer of the pepper when the power failed:"
            " `kazasu site rotate-pepper --finish` goes on"
        )
    return layer_at_rest(site)


def layer_at_rest(site: Site) -> str:
    """The same, as it was before a change that was broken off.

    Raises:
        KeyMaterialError: pepper.id is missing or damaged.
    """
    path = site.file("pepper.id")
    layer = read_checked(path, "pepper's name", secret=False).decode(errors="replace").strip()
    if PEPPER_ID.fullmatch(layer) is None:
        raise KeyMaterialError(f"{path} does not hold 16 hexadecimal digits: bring it back")
    return layer
