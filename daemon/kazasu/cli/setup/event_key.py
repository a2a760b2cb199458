"""A new event key for a terminal that has one: the old one's journal ends whole, and both stay under its name.

An epoch verifies with one key (store/journal_file.py), so a new key is a new journal. Nothing is lost: all of the old
one has to be at the broker already, and the file stays for the auditor.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from kazasu.errors import KeyMaterialError
from kazasu.store.cursor import SendCursor
from kazasu.store.durable import sync_directory
from kazasu.store.journal import Journal
from kazasu.store.keys import load_signer

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.model.configuration import Config


def retire(config: Config, public: Path) -> list[Path]:
    """Move an event key and its journal aside; returns what they are called now.

    Args:
        config: the terminal's; its daemon does not run.
        public: the key's public half.

    Raises:
        KeyMaterialError: there is no key, or there are events that the broker does not have.
        JournalError: the journal cannot be opened.
    """
    key, journal = config.keys.event, config.terminal.journal_path
    signer = load_signer(key)
    moved = []
    if journal.exists():
        moved.append((journal, journal.with_name(f"journal-{_sent_whole(config)}.db")))
    # The key last: whoever loses power between finds it, and begins again.
    moved += [
        (public, public.with_name(f"event-{signer.keyid}.pub.pem")),
        (key, key.with_name(f"event-{signer.keyid}.key")),
    ]
    there = [(before, after) for before, after in moved if before.exists()]
    for before, after in there:
        before.rename(after)
        sync_directory(after.parent)
    return [after for _, after in there]


def _sent_whole(config: Config) -> str:
    """The journal's epoch, once all of it was sent; what was in its write-ahead log is in the file then.

    Raises:
        KeyMaterialError: some of it was not.
    """
    terminal = config.terminal
    with (
        closing(
            Journal(
                terminal.journal_path,
                terminal.site,
                terminal.id,
                load_signer(config.keys.event),
                max_events=config.journal.max_events,
                keep_s=int(config.journal.keep),
                collector=config.collector.present,
            )
        ) as journal,
        closing(SendCursor(terminal.cursor_path, journal.epoch)) as sent,
    ):
        if journal.seq > sent.seq:
            raise KeyMaterialError(
                f"{terminal.journal_path} holds {journal.seq - sent.seq} events that are not at the broker yet: let the"
                " terminal send them first, or take them out with `kazasu journal export` and move the journal away"
            )
        return journal.epoch
