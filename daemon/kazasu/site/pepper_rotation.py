"""A new layer over the site's pepper: made, announced and given to the terminals, then laid over the roster's files.

    keys/pepper.key          all layers, the newest last: it is there from the beginning on
    pepper.id                the layer that the roster's files are under: it changes at the end
    roster/.relaid/          at the very end, for a moment: files under the new layer on their way to their places

The end is all or nothing. The files are written beside their places first; from then on it only goes forward, however
often the power fails. A file moves out of `.relaid` into its place in one step, so one that still is there has not been
laid over, and is made anew of what lies in its place then, for somebody may have changed that meanwhile.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from kazasu.enrolment.layers import announcement
from kazasu.errors import KazasuError, RosterError
from kazasu.model.pepper import MOST_LAYERS
from kazasu.site.codes import codes_relaid
from kazasu.site.directory import replace_file
from kazasu.site.files_layer import broken_off, layer_at_rest, layer_of, relaid_folder
from kazasu.site.layers import Lift
from kazasu.site.people_relaid import people_relaid
from kazasu.store.durable import sync_directory
from kazasu.store.keys import new_pepper, pepper_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from kazasu.model.document import Document
    from kazasu.model.signature import Ed25519Signer
    from kazasu.site.directory import Site

_RELAID: Final[Mapping[str, Callable[[Path, Path, Lift], None]]] = {
    "people.csv": people_relaid,
    "codes.csv": codes_relaid,
}


def under_way(site: Site) -> bool:
    """Whether a layer was made that the roster's files are not under yet."""
    return broken_off(site) or layer_of(site) != site.pepper().newest


def begin(site: Site) -> str:
    """Make the next layer; durable on return. Returns its name; a second call changes nothing.

    But where a terminal that was given the newest has been revoked, another goes over it: whoever stole that terminal
    would know everybody by the newest.

    Raises:
        KazasuError: it has as many layers as there can be.
        KeyMaterialError: the pepper cannot be used or written.
        RosterError: another is to go over one that is just being laid over the roster's files.
    """
    with site.locked():
        pepper = site.pepper()
        if not under_way(site) or (_with_who_was_revoked(site) and layer_of(site)):
            if len(pepper.layers) == MOST_LAYERS:
                raise KazasuError(f"the pepper has {MOST_LAYERS} layers, and no terminal takes more: make a new site")
            pepper = new_pepper(pepper)
            replace_file(site.key_file("pepper"), pepper_text(pepper), 0o600)
        return pepper.newest


def _with_who_was_revoked(site: Site) -> bool:
    newest = site.pepper().newest
    return any(record.state == "revoked" and record.layer == newest for record in site.terminals().values())


def announced(site: Site, signer: Ed25519Signer, now: dt.datetime) -> Document:
    """What terminals are to hear: which layers there are."""
    return announcement(site.name, site.pepper().ids, now, signer)


def lacking(site: Site) -> tuple[str, ...]:
    """Which terminals were not given the newest layer yet, or have a bundle without it."""
    newest = site.pepper().newest
    return tuple(
        record.id
        for record in site.terminals().values()
        if (record.state == "active" and record.layer != newest)
        or (record.invitation is not None and record.invitation.layer != newest)
    )


def finish(site: Site) -> str:
    """Lay the newest layer over the roster's files, all or nothing; goes on where a power cut broke it off.

    Returns:
        What the layer is called.

    Raises:
        KazasuError: no new layer is under way, or a terminal lacks it; nothing was changed.
        RosterError: a file cannot be laid over; nothing was changed.
        OSError: no room, and the like; nothing was changed, or the same call goes on.
    """
    with site.locked():
        if not under_way(site):
            raise KazasuError("no new layer of the pepper is under way: `kazasu site rotate-pepper` begins it")
        pepper = site.pepper()
        roster, relaid = site.file("roster"), relaid_folder(site)
        lift = Lift(pepper, layer_at_rest(site), pepper.newest)
        if not relaid.exists():
            _expect_all(site)
            roster.mkdir(exist_ok=True)
            staged = relaid.with_name(f"{relaid.name}.new")
            shutil.rmtree(staged, ignore_errors=True)  # of a run that lost its power
            staged.mkdir(mode=0o700)
            for name in _RELAID:
                _lay_over(roster / name, staged / name, lift)
            sync_directory(staged)
            staged.rename(relaid)
            sync_directory(roster)
        else:
            for name in _RELAID:
                if (relaid / name).exists() and (roster / name).exists():  # one that was removed comes back as it was
                    _lay_over(roster / name, relaid / f"{name}.new", lift)
                    (relaid / f"{name}.new").replace(relaid / name)
            sync_directory(relaid)
        for name in _RELAID:
            if (relaid / name).exists():
                (relaid / name).replace(roster / name)
        sync_directory(roster)
        replace_file(site.file("pepper.id"), f"{pepper.newest}\n".encode(), 0o644)
        shutil.rmtree(relaid)
        return pepper.newest


def _expect_all(site: Site) -> None:
    waiting = lacking(site)
    if waiting:
        raise KazasuError(
            f"without the new layer of the pepper: {', '.join(waiting)}; nobody would be known there. `sudo kazasu"
            " renew` there asks for it and `kazasu site accept` here gives it; or invite it anew (`add-terminal"
            " --again`), or `kazasu site revoke` it, if it is gone"
        )


def _lay_over(path: Path, new: Path, lift: Lift) -> None:
    if path.exists():
        try:
            _RELAID[path.name](path, new, lift)
        except OSError as error:
            raise RosterError(f"{new} cannot be written: {error.strerror}") from error
