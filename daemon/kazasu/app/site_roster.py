"""What follows the site's roster, put together: whom it is believed from, and what its rules mean at these doors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.app.cards import pepper_of
from kazasu.config import under_rules
from kazasu.errors import ConfigurationError, RosterError

if TYPE_CHECKING:
    from contextlib import ExitStack

    from kazasu.model.configuration import Config
    from kazasu.model.door_rules import DoorPolicy
    from kazasu.ports.clock import Clock
    from kazasu.ports.health import Health
    from kazasu.ports.inbox import Inbox
    from kazasu.publishers.board import HealthBoard
    from kazasu.publishers.roster_updates import RosterUpdates
    from kazasu.store.roster import Roster


def config_of_site(config: Config, roster: Roster) -> Config:
    """The configuration with the rules that the site's roster brought, in the place of its own.

    Raises:
        ConfigurationError: they do not go with this terminal's doors any more, because somebody changed those.
    """
    try:
        rules = roster.rules()
    except RosterError:
        return config  # told at the first tap
    return under_rules(config, rules.encode(), config.terminal.roster_path) if rules else config


def config_to_start_with(config: Config, roster: Roster, health: Health) -> Config:
    """The same; but a terminal whose rules do not fit starts with its own, and says so."""
    try:
        return config_of_site(config, roster)
    except ConfigurationError as error:
        health.alert("roster_rules", str(error))
        return config


def roster_updates(
    config: Config, board: HealthBoard, inbox: Inbox, clock: Clock, stack: ExitStack
) -> RosterUpdates | None:
    """What takes the site's rosters over; None without the site's key.

    Raises:
        KeyMaterialError: the site's key or the pepper cannot be used.
        RosterError: the state directory cannot be written.
    """
    if config.site is None:
        return None
    from kazasu.publishers.roster_trust import TrustedRoster
    from kazasu.publishers.roster_updates import RosterUpdates
    from kazasu.publishers.wire import Topics
    from kazasu.store.keys import load_verifiers
    from kazasu.store.site_roster import SiteRoster

    terminal = config.terminal

    def rules(text: str) -> DoorPolicy | None:
        from kazasu.app.doors import door_policy  # rosters are seldom new

        changed = under_rules(config, text.encode(), terminal.roster_path) if text else config
        return door_policy(changed)

    pepper = pepper_of(config)
    store = SiteRoster(terminal.roster_path, terminal.site_roster_path, pepper)
    stack.callback(store.close)
    return RosterUpdates(
        TrustedRoster(terminal.site, terminal.id, load_verifiers(config.site.key), pepper.ids, clock),
        store,
        Topics(terminal.site, terminal.id),
        rules=rules,
        inbox=inbox,
        health=board,
        clock=clock,
        wake=board.waker.wake,
    )
