"""Publish who is known at the site: roster/people.csv and roster/levels.toml, signed, to every terminal.

people.csv has the columns of `kazasu roster import`, levels.toml the tables [[levels]], [[schedules]] and [[holidays]]
of kazasu.toml. Every bad line is reported, and one is enough to publish nothing. What changed since the last time is
shown first. A card that is in the file no longer is worth nothing at a terminal as soon as it hears of it.

Without a change it is published anew: the terminals know from that how old their roster is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, EXIT_PROBLEM
from kazasu.cli.progress import ProgressLine
from kazasu.cli.site import add_passphrase_argument, add_site_argument, passphrase_of, site_of
from kazasu.cli.site.roster_desk import agreed, desk_of, post_of
from kazasu.errors import RosterError
from kazasu.site.files_layer import layer_of
from kazasu.site.roster import VALID_FOR

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from kazasu.site.roster_draft import Draft


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    add_site_argument(parser)
    add_passphrase_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Show what changed, ask, sign and publish."""
    site = site_of(arguments)
    desk, progress, now = desk_of(site), ProgressLine("reading line"), datetime.now(UTC)
    before = desk.published
    with desk.drafted(now, progress.show) as draft:
        progress.clear()
        for sentence in _sentences(draft):
            print(sentence)
        if not arguments.yes and not agreed("Publish that?"):
            print("nothing was published")
            return EXIT_PROBLEM
        signer = site.unlock(passphrase_of(arguments))
        with site.locked():  # only now: a stolen card must not wait for somebody's yes
            if desk.published != before:
                raise RosterError("something else was published meanwhile: call again, and see what that changes now")
            if layer_of(site) != desk.layer:  # half of what was read may have been under the one, half under the other
                raise RosterError("the files got another layer of the pepper meanwhile: call again")
            published = desk.publish(draft, signer, datetime.now(UTC), partial(post_of, site))
    print(f"version {published.version} is at the broker; terminals count it as fresh for {VALID_FOR.days} days")
    return EXIT_OK


def _sentences(draft: Draft) -> Iterator[str]:
    change = draft.change
    yield from change.shown
    if change.not_shown:
        yield f"and {change.not_shown} more such lines"
    yield from change.rules_shown
    if not change.anything:
        yield "nothing changed since the last time"
    counts = {
        "people added": change.added,
        "people removed": change.removed,
        "people changed": change.changed,
        "cards added": change.cards_added,
        "cards changed": change.cards_changed,
        "cards revoked": change.cards_ended,
        "codes changed": change.codes,
        "day cards lent": change.lent,
        "day cards returned or over": change.lent_no_more,
        "day cards added to the pool": change.pooled,
        "day cards gone from the pool": change.pooled_no_more,
        "lines of levels.toml changed": change.rules,
    }
    told = [f"{what}: {count}" for what, count in counts.items() if count]
    if told:
        yield ", ".join(told)
    for number in draft.codes_left_out:
        yield f"the code of {number} is left out: {number} is not in people.csv"
    yield from draft.not_lent
    for pseudonym in draft.revoked_here:
        yield f"{pseudonym} was revoked and still stands in the files: it stays worth nothing; take its line out"
    yield f"then {draft.people} people with {draft.credentials} cards"
