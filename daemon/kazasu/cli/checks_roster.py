"""What `kazasu doctor` says of the roster: whose it is, how fresh, and whether its rules go with the doors here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from kazasu.app.cards import pepper_of
from kazasu.app.site_roster import config_of_site
from kazasu.cli.finding import Finding, Grade
from kazasu.config import credential
from kazasu.store.roster import Roster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.configuration import Config


_NOBODY = "0" * 32


def check_roster(config: Config, now: datetime) -> Iterator[Finding]:
    """Look at the roster in place.

    Raises:
        RosterError: it cannot be read, or is under a layer of the pepper that is not here.
        KeyMaterialError: the pepper cannot be used.
        ConfigurationError: the rules that the site's roster brought do not go with the doors here.
    """
    pepper = pepper_of(config) if credential(config.keys.pepper).exists() else None  # which is said elsewhere
    roster = Roster(config.terminal.roster_path, pepper)
    roster.look_up(_NOBODY)
    from_site = roster.from_site()
    if from_site is not None:
        zone = config.terminal.timezone
        made, expires = (datetime.fromtimestamp(at_s, zone) for at_s in (from_site.made_s, from_site.expires_s))
        version, until = f"version {from_site.version}, signed by the site on {made:%Y-%m-%d}", f"{expires:%Y-%m-%d}"
        if now.timestamp() < from_site.expires_s:
            yield Finding(Grade.OK, "roster", f"{version}, fresh until {until}")
        else:
            todo = "publish it anew at the desk: kazasu site publish"
            yield Finding(Grade.NOTE, "roster", f"{version}, was fresh until {until}", todo)
        config_of_site(config, roster)
    elif roster.version:
        yield Finding(Grade.OK, "roster", f"version {roster.version}")
    else:
        at_desk = "" if config.site is None else "kazasu site publish at the desk; or "
        todo = f"{at_desk}kazasu roster import FILE, or kazasu enroll"
        yield Finding(Grade.NOTE, "roster", "empty: every card is unknown", todo)
