"""A new event key: the old journal ends whole, and nothing of it is lost."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from fakes.configuration import smallest_with_state
from kazasu.cli.setup.event_key import retire
from kazasu.config import load
from kazasu.errors import KeyMaterialError
from kazasu.model.event import Draft
from kazasu.store.cursor import SendCursor
from kazasu.store.journal import Journal
from kazasu.store.keys import generate_signer, load_signer, write_public

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.model.configuration import Config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "kazasu.toml"
    path.write_text(smallest_with_state(tmp_path / "state"))
    (tmp_path / "keys").mkdir()
    config = load(path)
    write_public(tmp_path / "event.pub.pem", generate_signer(config.keys.event))
    clock = FakeClock()
    with closing(journal(config)) as recording:
        for _ in range(3):
            recording.append(Draft(event_type="attendance.in", moment=clock.now(), fields={"reader": "desk"}))
        sends(config, recording.epoch, 3)
    return config


def journal(config: Config) -> Journal:
    signer = load_signer(config.keys.event)
    path = config.terminal.journal_path
    return Journal(path, "town-hall", "entrance-1", signer, max_events=1000, keep_s=0, collector=False)


def sends(config: Config, epoch: str, seq: int) -> None:
    with closing(SendCursor(config.terminal.cursor_path, epoch)) as cursor:
        cursor.advance(seq)
        cursor.flush()


def test_key_and_journal_stay_under_their_names_and_a_new_epoch_begins(config: Config, tmp_path: Path) -> None:
    keyid = load_signer(config.keys.event).keyid
    with closing(journal(config)) as old:
        epoch = old.epoch
    moved = retire(config, tmp_path / "event.pub.pem")
    assert {path.name for path in moved} == {f"journal-{epoch}.db", f"event-{keyid}.pub.pem", f"event-{keyid}.key"}
    assert sorted(path.name for path in config.terminal.state_dir.iterdir()) == ["cursor.db", f"journal-{epoch}.db"]
    generate_signer(config.keys.event)
    with closing(journal(config)) as new:
        assert new.epoch != epoch
        assert new.seq == 0


def test_what_the_broker_does_not_have_keeps_it_from_ending(config: Config, tmp_path: Path) -> None:
    with closing(journal(config)) as recording:
        moment = FakeClock().now()
        recording.append(Draft(event_type="attendance.in", moment=moment, fields={"reader": "desk"}))
    with pytest.raises(KeyMaterialError, match="holds 1 events that are not at the broker yet"):
        retire(config, tmp_path / "event.pub.pem")
    assert config.keys.event.exists()
    assert config.terminal.journal_path.exists()


def test_without_a_key_there_is_nothing_to_end(config: Config, tmp_path: Path) -> None:
    config.keys.event.unlink()
    with pytest.raises(KeyMaterialError, match="is missing"):
        retire(config, tmp_path / "event.pub.pem")
    assert config.terminal.journal_path.exists()
