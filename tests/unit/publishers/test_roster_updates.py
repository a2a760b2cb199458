"""The site's roster into a terminal's store, message by message, without a broker."""

from __future__ import annotations

import errno
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.roster import person
from fakes.roster_desk import PEPPER, RetainedPost
from fakes.roster_rig import MANIFEST, SITE, TERMINAL, RosterRig
from kazasu.errors import RosterError
from kazasu.model.document import signed
from kazasu.model.moment import TimeSource
from kazasu.model.roster_seal import PartSeal
from kazasu.model.roster_text import lines_in
from kazasu.model.signature import Ed25519Signer
from kazasu.publishers.wire import Topics
from kazasu.store.keys import new_pepper
from kazasu.store.roster import Roster
from kazasu.store.roster_file import enroll

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from kazasu.model.access import EventFields


@pytest.fixture
def rig(tmp_path: Path) -> RosterRig:
    return RosterRig(tmp_path)


def fields_of(payload: bytes) -> EventFields:
    import json

    fields: EventFields = json.loads(payload)
    del fields["keyid"], fields["sig"]
    return fields


def resigned(rig: RosterRig, **changes: int | str) -> bytes:
    """The manifest at the broker with other fields, signed by the site."""
    return signed(fields_of(rig.post.retained[MANIFEST]) | changes, rig.desk.signer).body


@pytest.mark.rule(8)
def test_a_published_roster_is_looked_up(rig: RosterRig) -> None:
    rig.desk.staff(1, 2, 3)
    rig.desk.publish()
    rig.settle()

    assert rig.applied() == [1]
    roster = Roster(rig.roster_path)
    found = roster.look_up(rig.desk.card(2))
    assert found is not None
    assert (found.cardholder.name, found.cardholder.levels, roster.version) == ("Person 2", ("staff",), 1)
    assert roster.made_s == int(rig.desk.now.timestamp())
    assert rig.text() == (rig.desk.folder / "published.txt").read_bytes()


def test_what_changed_comes_as_a_delta_and_is_the_same_as_the_whole(rig: RosterRig) -> None:
    rig.desk.staff(*range(1, 500))
    rig.desk.publish()
    rig.settle()
    rig.desk.staff(*range(2, 501))
    rig.desk.publish()
    rig.asked.clear()
    rig.settle()

    assert rig.asked == ["delta-index-0", "delta-0"]
    assert rig.applied() == [1, 2]
    assert rig.text() == (rig.desk.folder / "published.txt").read_bytes()


def test_a_day_card_that_is_lent_and_taken_back_comes_as_a_delta_through_a_restart(tmp_path: Path) -> None:
    rig = RosterRig(tmp_path, pool="12*")
    rig.desk.staff(*range(1, 500))
    rig.desk.publish()
    rig.settle()
    rig.asked.clear()
    rig.desk.lend("123", "7", rig.desk.now + timedelta(hours=8))
    rig.hear(*rig.manifest())
    rig.restart()
    rig.settle()
    roster = Roster(rig.roster_path)
    found = roster.look_up(rig.desk.card(123))
    assert found is not None
    assert found.pool_card is not None
    assert found.pool_card.holder_at(rig.clock.now()) == roster.find("7")
    rig.desk.take_back("123")
    rig.settle()
    assert roster.pool()["123"] is None
    assert rig.asked == ["delta-index-0", "delta-0"] * 2
    roster.close()


def test_who_missed_a_version_takes_the_whole(rig: RosterRig) -> None:
    for last in (500, 501, 502):
        rig.desk.staff(*range(1, last))
        rig.desk.publish()
        if last != 501:
            rig.settle()

    assert rig.asked[-2:] == ["full-index-0", "full-0"]
    assert rig.text() == (rig.desk.folder / "published.txt").read_bytes()


def test_a_delta_that_leads_elsewhere_is_left_for_the_whole(rig: RosterRig) -> None:
    rig.desk.staff(*range(1, 500))
    rig.desk.publish()
    rig.settle()
    import sqlite3

    with sqlite3.connect(rig.roster_path) as connection:
        connection.execute("UPDATE cardholder SET name = 'X' WHERE number = '7'")
    connection.close()
    rig.desk.staff(*range(2, 501))
    rig.desk.publish()
    rig.settle()

    assert rig.refused() == []
    rig.settle()
    assert rig.text() == (rig.desk.folder / "published.txt").read_bytes()


@pytest.mark.rule(8)
def test_a_revoked_card_is_unknown_before_anything_is_asked_for(rig: RosterRig) -> None:
    rig.desk.staff(1, 2)
    rig.desk.publish()
    rig.settle()
    rig.desk.staff(1, 2, 3)
    rig.desk.publish()
    rig.desk.revoke(rig.desk.card(2))
    rig.hear(MANIFEST, rig.post.retained[MANIFEST])

    assert not rig.knows(rig.desk.card(2))
    assert rig.knows(rig.desk.card(1))
    assert not rig.knows(rig.desk.card(3))
    rig.settle()
    assert rig.knows(rig.desk.card(3))
    assert not rig.knows(rig.desk.card(2))


def test_a_card_that_a_roster_ends_is_revoked_with_its_manifest(rig: RosterRig) -> None:
    rig.desk.staff(1, 2)
    rig.desk.publish()
    rig.settle()
    rig.desk.staff(1)
    rig.desk.publish()
    rig.hear(MANIFEST, rig.post.retained[MANIFEST])

    assert not rig.knows(rig.desk.card(2))


def test_a_revocation_alone_downloads_nothing_and_outlives_the_next_roster(rig: RosterRig) -> None:
    rig.desk.staff(1, 2)
    rig.desk.publish()
    rig.settle()
    rig.asked.clear()
    rig.desk.revoke(rig.desk.card(2))
    rig.settle()
    assert (rig.asked, rig.applied()) == ([], [1, 2])

    rig.desk.staff(1, 2, 3)  # whoever keeps the file has not heard of it
    rig.desk.publish()
    rig.settle()
    assert not rig.knows(rig.desk.card(2))
    assert rig.knows(rig.desk.card(3))


def test_a_card_that_came_back_after_a_roster_without_it_is_known(rig: RosterRig) -> None:
    for numbers in ((1, 2), (1,), (1, 2)):
        rig.desk.staff(*numbers)
        rig.desk.publish()
        rig.settle()

    assert rig.knows(rig.desk.card(2))


def test_a_revocation_is_heard_while_a_roster_is_being_made(rig: RosterRig) -> None:
    rig.desk.staff(1, 2)
    rig.desk.publish()
    rig.settle()
    rig.desk.staff(*range(1, 6000))
    rig.desk.publish()
    for topic in (MANIFEST, *(topic for topic in rig.post.published if "/2/full" in topic)):
        rig.hear(topic, rig.post.retained[topic])
    while not rig.updates.working:
        (topic, *_) = rig.updates.mail.wanted()
        rig.hear(topic, rig.post.retained[topic])
    rig.updates.turn(0.0)
    assert rig.updates.working

    rig.desk.revoke(rig.desk.card(2))
    rig.hear(MANIFEST, rig.post.retained[MANIFEST])
    assert rig.updates.working
    assert not rig.knows(rig.desk.card(2))
    rig.work()
    assert rig.applied() == [1, 3]
    assert not rig.knows(rig.desk.card(2))


def test_what_is_here_is_not_asked_for_again_after_a_crash(tmp_path: Path) -> None:
    rig = RosterRig(tmp_path)
    rig.desk.staff(*range(1, 4500))
    rig.desk.publish()
    held = dict(rig.post.retained)
    lost = next(topic for topic in held if topic.endswith("full-1"))
    rig.settle({topic: payload for topic, payload in held.items() if topic != lost})
    before = list(rig.asked)
    assert before == ["full-index-0", "full-0", "full-2", "full-3"][: len(before)]
    assert rig.text() == b""

    rig.restart()
    rig.asked.clear()
    rig.settle()
    assert rig.asked == ["full-1"]
    assert rig.applied() == [1]


def test_what_is_here_counts_for_the_same_roster_published_again(rig: RosterRig) -> None:
    rig.desk.staff(*range(1, 4500))
    rig.desk.publish()
    lost = next(topic for topic in rig.post.retained if topic.endswith("full-1"))
    rig.settle({topic: payload for topic, payload in rig.post.retained.items() if topic != lost})
    rig.desk.publish()
    rig.asked.clear()
    rig.settle()
    assert rig.asked == ["full-1"]
    assert rig.applied() == [2]


def test_what_an_older_version_left_half_done_goes_when_a_newer_one_comes(rig: RosterRig, tmp_path: Path) -> None:
    rig.desk.staff(*range(1, 2500))
    rig.desk.publish()
    lost = next(topic for topic in rig.post.retained if topic.endswith("full-1"))
    rig.settle({topic: payload for topic, payload in rig.post.retained.items() if topic != lost})
    half = {path.name for path in (tmp_path / "site-roster").iterdir()}
    rig.desk.staff(*range(5000, 7500))
    rig.desk.publish()
    last = next(topic for topic in rig.post.retained if topic.endswith("full-1"))
    rig.settle({topic: payload for topic, payload in rig.post.retained.items() if topic != last})
    here = {path.name for path in (tmp_path / "site-roster").iterdir()}
    assert here & half == {"manifest.json"}
    rig.settle()
    assert rig.applied() == [2]
    assert {path.name for path in (tmp_path / "site-roster").iterdir()} == {"manifest.json"}


def test_a_part_that_a_power_cut_spoilt_is_asked_for_again(rig: RosterRig, tmp_path: Path) -> None:
    rig.desk.staff(*range(1, 4500))
    rig.desk.publish()
    lost = next(topic for topic in rig.post.retained if topic.endswith("full-1"))
    rig.settle({topic: payload for topic, payload in rig.post.retained.items() if topic != lost})
    parts = [path for path in (tmp_path / "site-roster").iterdir() if len(path.name) == 64]
    parts[1].write_bytes(parts[1].read_bytes()[:100])

    rig.restart()
    rig.asked.clear()
    rig.settle()
    rig.settle()
    assert len(rig.asked) == 2
    assert rig.applied() == [1]


def test_a_crash_while_it_is_made_leaves_the_old_one_and_goes_on(rig: RosterRig) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    rig.settle()
    before = rig.text()
    rig.desk.staff(*range(1, 6000))
    rig.desk.publish()
    while not rig.updates.working:
        for topic in [MANIFEST, *rig.updates.mail.wanted()]:
            rig.hear(topic, rig.post.retained[topic])
    rig.updates.turn(0.0)
    assert rig.text() == before

    rig.restart()
    rig.asked.clear()
    rig.work()
    assert (rig.asked, rig.applied()) == ([], [1, 2])
    assert rig.text() == (rig.desk.folder / "published.txt").read_bytes()


@pytest.mark.rule(8)
def test_a_roster_under_a_layer_that_is_not_held_is_refused_until_it_has_come(rig: RosterRig) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    rig.settle()
    before = rig.text()
    rig.desk.rekey()
    rig.desk.staff(1)
    rig.desk.publish()

    rig.settle()

    assert rig.refused() == ["pepper"]
    assert "kazasu renew" in rig.health.alerts["roster_update"]
    assert rig.text() == before
    assert rig.knows(rig.desk.card(1))

    rig.pepper = rig.desk.pepper
    rig.restart()
    rig.settle()

    assert rig.applied() == [2]
    assert rig.text() != before
    assert rig.knows(rig.desk.card(1))
    assert not rig.asked_for("delta")


@pytest.mark.rule(8)
def test_an_older_roster_is_refused_even_after_a_restart(rig: RosterRig) -> None:
    rig.desk.staff(1, 2)
    rig.desk.publish()
    old = dict(rig.post.retained)
    rig.settle()
    rig.desk.staff(1)
    rig.desk.publish()
    rig.settle()
    rig.inbox.drained()

    rig.settle(old)
    assert rig.refused() == ["rolled_back"]
    rig.restart()
    rig.settle(old)
    assert rig.refused() == ["rolled_back"]
    assert not rig.knows(rig.desk.card(2))


@pytest.mark.rule(8)
def test_an_older_roster_is_refused_though_the_newer_one_is_not_here_yet(rig: RosterRig) -> None:
    rig.desk.staff(1, 2)
    rig.desk.publish()
    old = dict(rig.post.retained)
    rig.desk.publish()
    rig.hear(MANIFEST, rig.post.retained[MANIFEST])
    rig.restart()
    rig.settle(old)

    assert rig.refused() == ["rolled_back"]
    assert rig.text() == b""


@pytest.mark.rule(8)
def test_a_second_roster_of_one_version_is_refused(rig: RosterRig) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    rig.settle()
    rig.hear(MANIFEST, resigned(rig, people=2))
    assert rig.refused() == ["forked"]


@pytest.mark.rule(8)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"site": "elsewhere"}, "other_site"),
        ({"aud": "exit-9"}, "other_terminal"),
        ({"aud": TERMINAL}, "other_terminal"),  # its own, but on the topic of all
        ({"type": "command"}, "form"),
        ({"v": 2}, "form"),
        ({"version": "9"}, "form"),
        ({"version": 0}, "form"),
        ({"extra": 1}, "form"),
        ({"people": 10**9}, "form"),
        ({"full_parts": 10**6}, "form"),
        ({"made": "yesterday"}, "form"),
        ({"made": "1960-01-01T00:00:00+00:00"}, "form"),
        ({"expires": "9999-12-31T23:59:59-23:59"}, "form"),
        ({"expires": "2026-04-01T08:29:00+00:00"}, "expired"),
        ({"revoked": "x" * 50_000}, "too_large"),
    ],
)
def test_a_manifest_that_is_not_for_here_is_refused(rig: RosterRig, changes: EventFields, reason: str) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    rig.hear(MANIFEST, resigned(rig, **({"version": 5} | changes)))
    assert rig.refused() == [reason]
    assert not rig.updates.mail.wanted()


@pytest.mark.rule(8)
def test_another_key_signs_nothing(rig: RosterRig) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    other = Ed25519Signer(Ed25519PrivateKey.generate())
    rig.hear(MANIFEST, signed(fields_of(rig.post.retained[MANIFEST]), other).body)
    rig.hear(MANIFEST, rig.post.retained[MANIFEST].replace(b'"people":1', b'"people":2'))
    assert rig.refused() == ["signature", "signature"]


def test_one_for_this_terminal_alone_counts_on_its_own_topic(rig: RosterRig, monkeypatch: pytest.MonkeyPatch) -> None:
    own = PartSeal(PEPPER, PEPPER.newest, SITE, TERMINAL).sealed
    monkeypatch.setattr(PartSeal, "sealed", lambda _, name, part: own(name, part))
    rig.desk.staff(1)
    rig.desk.publish()
    rig.hear(Topics(SITE, TERMINAL).roster, resigned(rig, aud=TERMINAL))
    rig.settle({topic: payload for topic, payload in rig.post.retained.items() if topic != MANIFEST})
    assert rig.applied() == [1]


def test_with_a_clock_that_nobody_believes_the_version_alone_counts_and_an_alert_stands(rig: RosterRig) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    rig.clock.source = TimeSource.HOLDOVER
    rig.clock.advance(timedelta(days=91).total_seconds())
    rig.settle()
    rig.updates.turn(0.0)
    assert rig.applied() == [1]
    assert "has expired" in rig.health.alerts["roster_expired"]

    rig.desk.now = rig.clock.now().at
    rig.desk.publish()
    rig.settle()
    rig.updates.turn(0.0)
    assert "roster_expired" not in rig.health.alerts


def test_the_same_refusal_is_told_once_and_a_flood_does_not_fill_the_journal(rig: RosterRig) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    for _ in range(3):
        rig.hear(MANIFEST, b"{}")
    assert rig.refused() == ["signature"]
    for number in range(100):
        rig.hear(MANIFEST, b"%d" % number)
    assert len(rig.refused()) == 19
    rig.settle()
    assert rig.applied() == [1]


def test_a_part_that_nobody_asked_for_is_let_fall(rig: RosterRig, tmp_path: Path) -> None:
    rig.hear(Topics(SITE, TERMINAL).roster_part(1, "full-0"), b"anything")
    assert rig.refused() == []
    assert list((tmp_path / "site-roster").iterdir()) == []


@pytest.mark.rule(8)
def test_rules_that_do_not_go_with_the_doors_here_refuse_the_whole_roster(rig: RosterRig) -> None:
    rig.rules_refused = "night"
    rig.desk.staff(1)
    (rig.desk.folder / "levels.toml").write_text('[[levels]]\nname = "staff"\ndoors = ["*"]\n')
    rig.desk.publish()
    rig.settle()
    assert rig.applied() == [1]
    assert Roster(rig.roster_path).rules() == (rig.desk.folder / "levels.toml").read_text()

    before = rig.text()
    (rig.desk.folder / "levels.toml").write_text('[[levels]]\nname = "staff"\n[[levels]]\nname = "night"\n')
    rig.desk.publish()
    rig.settle()
    assert rig.refused() == ["rules"]
    assert rig.text() == before
    assert "night" in rig.health.alerts["roster_update"]


def test_a_newer_manifest_of_the_roster_in_place_leaves_its_rules_as_they_are(rig: RosterRig) -> None:
    rig.desk.staff(1)
    (rig.desk.folder / "levels.toml").write_text('[[levels]]\nname = "staff"\n')
    rig.desk.publish()
    rig.settle()
    rig.rules_refused = "staff"  # somebody changed the doors in kazasu.toml since
    rig.restart()
    rig.desk.publish()
    rig.settle()
    assert rig.applied() == [1, 2]


def test_a_full_disk_stops_it_in_words_and_it_goes_on_when_there_is_room(
    rig: RosterRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    from kazasu.store.roster_parts import PartStore

    monkeypatch.setattr(PartStore, "room_for", lambda self, size_bytes: False)
    rig.settle()
    assert "no room" in rig.health.alerts["roster_update"]
    assert not rig.updates.mail.wanted()

    monkeypatch.undo()
    rig.clock.advance(61)
    rig.updates.turn(0.0)
    rig.settle()
    assert rig.applied() == [1]
    assert "roster_update" not in rig.health.alerts


def test_a_manifest_that_cannot_be_kept_is_heard_when_it_can(rig: RosterRig, tmp_path: Path) -> None:
    rig.desk.staff(1, 2)
    rig.desk.publish()
    rig.settle()
    rig.desk.revoke(rig.desk.card(2))
    (tmp_path / "site-roster" / "manifest.json.new").mkdir()  # no file can be written there
    rig.settle()
    assert "manifest.json.new" in rig.health.alerts["roster_update"]
    assert rig.knows(rig.desk.card(2))

    (tmp_path / "site-roster" / "manifest.json.new").rmdir()
    rig.clock.advance(61)
    rig.updates.turn(0.0)
    assert not rig.knows(rig.desk.card(2))
    assert rig.applied() == [1, 2]
    assert "roster_update" not in rig.health.alerts


@pytest.mark.rule(8)
def test_a_manifest_that_could_not_be_kept_stands_in_no_later_ones_way(
    rig: RosterRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.desk.staff(1, 2)
    rig.desk.publish()
    rig.settle()
    rig.desk.revoke(rig.desk.card(2))
    (tmp_path / "site-roster" / "manifest.json.new").mkdir()  # no file can be written there
    rig.settle()
    (tmp_path / "site-roster" / "manifest.json.new").rmdir()
    from kazasu.store.roster_parts import PartStore

    def full(self: PartStore, digest: str, part: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(PartStore, "put", full)
    rig.desk.staff(1, 3)
    rig.desk.publish()
    rig.settle()
    assert "No space" in rig.health.alerts["roster_update"]

    monkeypatch.undo()
    rig.clock.advance(61)
    rig.updates.turn(0.0)
    assert rig.refused() == []
    rig.settle()
    assert rig.knows(rig.desk.card(3))


def test_a_delta_without_an_index_is_no_way_and_what_is_wrong_with_the_whole_is_refused(rig: RosterRig) -> None:
    rig.desk.staff(*range(1, 400))
    rig.desk.publish()
    rig.settle()
    rig.desk.staff(*range(2, 401))
    rig.desk.publish()
    rig.post.retained[MANIFEST] = resigned(rig, delta_index="", delta_parts=0, delta_bytes=0, people=7)
    rig.settle()
    assert rig.refused() == ["content"]


def test_a_part_that_does_not_come_is_an_alert(rig: RosterRig) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    rig.settle({MANIFEST: rig.post.retained[MANIFEST]})
    rig.clock.advance(61)
    rig.updates.turn(0.0)
    assert "full-index-0 has not come" in rig.health.alerts["roster_update"]
    assert not rig.updates.mail.wanted()
    rig.updates.turn(0.0)  # all over again
    rig.settle()
    assert "roster_update" not in rig.health.alerts


def test_the_desk_takes_away_what_nobody_needs_any_more(rig: RosterRig) -> None:
    for last in range(400, 404):
        rig.desk.staff(*range(1, last))
        rig.desk.publish()
    names = {topic.removeprefix(f"{MANIFEST}/") for topic in rig.post.retained if topic != MANIFEST}
    assert names == {"4/full-index-0", "4/full-0", "4/delta-index-0", "4/delta-0"}


def test_the_sites_roster_takes_the_place_of_one_made_here_and_is_changed_at_the_site_alone(rig: RosterRig) -> None:
    enroll(rig.roster_path, person("9", "9" * 32))
    rig.desk.staff(1)
    rig.desk.publish()
    rig.settle()
    assert not rig.knows("9" * 32)
    with pytest.raises(RosterError, match="kazasu site publish"):
        enroll(rig.roster_path, person("9", "9" * 32))


def test_a_desk_that_fails_half_way_never_uses_a_version_twice(tmp_path: Path) -> None:
    class Broken:
        def publish_all(self, messages: object) -> None:
            raise ConnectionError("gone")

    rig = RosterRig(tmp_path)
    rig.desk.staff(1)
    rig.desk.publish()
    rig.desk.staff(1, 2)
    with pytest.raises(ConnectionError):
        rig.desk.publish(Broken())
    assert rig.desk.publish().version == 3
    rig.settle()
    assert rig.applied() == [3]


@pytest.mark.rule(8)
class TakesButSaysNothing(RetainedPost):
    """The broker has a manifest, and the connection is gone before its answer."""

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        super().publish_all(messages)
        if MANIFEST in self.published:
            raise ConnectionResetError


@pytest.mark.rule(8)
def test_no_desk_goes_back_behind_a_roster_whose_answer_it_did_not_hear(rig: RosterRig) -> None:
    rig.desk.staff(1, 2)
    rig.desk.publish()
    rig.settle()
    rig.desk.staff(1, 3)
    with pytest.raises(ConnectionResetError):
        rig.desk.publish(taking := TakesButSaysNothing())
    rig.post.retained |= taking.retained
    rig.settle()
    assert not rig.knows(rig.desk.card(2))

    rig.desk.revoke(rig.desk.card(1))
    rig.settle()
    assert [rig.knows(rig.desk.card(number)) for number in (1, 2, 3)] == [False, False, True]


@pytest.mark.rule(8)
def test_a_card_that_a_roster_ended_stays_revoked_when_that_is_published_anew(rig: RosterRig) -> None:
    rig.desk.staff(1, 2)
    rig.desk.publish()
    rig.settle()
    rig.desk.staff(1)
    rig.desk.publish()
    rig.desk.publish()
    rig.hear(*rig.manifest())
    assert not rig.knows(rig.desk.card(2))
    assert rig.updates.mail.wanted(), "the roster itself is not here yet"


def test_a_part_that_was_altered_is_refused_and_the_right_one_taken(rig: RosterRig) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    rig.hear(*rig.manifest())
    (topic,) = rig.updates.mail.wanted()
    rig.hear(topic, rig.post.retained[topic] + b"x")
    assert rig.refused() == ["part"]
    assert list(rig.updates.mail.wanted()) == [topic]
    rig.settle()
    assert rig.applied() == [1]


@pytest.mark.rule(8)
@pytest.mark.parametrize(
    "sealed",
    [
        PartSeal(PEPPER, PEPPER.newest, "elsewhere", "all").sealed,
        PartSeal(PEPPER, PEPPER.newest, SITE, TERMINAL).sealed,
        lambda _, part: part,
    ],
    ids=["site", "audience", "not at all"],
)
def test_parts_that_do_not_open_are_refused_with_what_to_do_and_the_same_roster_sealed_rightly_is_taken(
    rig: RosterRig, sealed: Callable[[str, bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    rig.settle()
    before = rig.text()
    rig.inbox.drained()

    rig.desk.staff(1, 2)
    with monkeypatch.context() as wrongly:
        wrongly.setattr(PartSeal, "sealed", lambda _, name, part: sealed(name, part))
        rig.desk.publish()
    rig.settle()
    assert rig.refused() == ["sealed"]
    assert rig.text() == before
    told = rig.health.alerts["roster_update"]
    assert re.search(r"version 2 of the roster: \S+ does not open.*kazasu site publish", told)
    assert not rig.updates.mail.wanted()
    rig.desk.revoke(rig.desk.card(1))  # counts all the same, and nothing is asked for or opened for it
    rig.hear(*rig.manifest())
    assert not rig.updates.mail.wanted()
    assert not rig.updates.working
    assert not rig.knows(rig.desk.card(1))

    rig.desk.publish()
    rig.settle()
    assert rig.applied() == [4]
    assert rig.knows(rig.desk.card(2))
    assert "roster_update" not in rig.health.alerts


def test_a_terminal_that_has_the_next_layer_already_opens_what_is_under_the_one_before(rig: RosterRig) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    rig.pepper = new_pepper(rig.pepper)
    rig.restart()
    rig.settle()
    assert rig.applied() == [1]


def test_what_has_come_stays_sealed_until_a_roster_is_made_of_it(rig: RosterRig, tmp_path: Path) -> None:
    rig.desk.staff(*range(1, 2500))
    rig.desk.publish()
    lost = next(topic for topic in rig.post.retained if topic.endswith("full-1"))
    rig.settle({topic: payload for topic, payload in rig.post.retained.items() if topic != lost})
    kept = [path.read_bytes() for path in (tmp_path / "site-roster").iterdir() if len(path.name) == 64]
    assert kept
    for part in kept:
        with pytest.raises(RosterError, match="cannot be unpacked"):
            lines_in(part)


@pytest.mark.rule(8)
def test_an_index_that_names_other_parts_than_the_manifest_is_refused_and_asked_for_no_more(rig: RosterRig) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    rig.hear(MANIFEST, resigned(rig, version=2, full_parts=7))
    rig.settle({topic: payload for topic, payload in rig.post.retained.items() if topic != MANIFEST})
    assert rig.refused() == ["content"]
    assert not rig.updates.mail.wanted()
    rig.clock.advance(61)
    rig.updates.turn(0.0)
    assert rig.refused() == []


@pytest.mark.rule(8)
def test_an_older_roster_is_refused_though_the_manifest_in_place_was_lost(rig: RosterRig, tmp_path: Path) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    old = dict(rig.post.retained)
    rig.desk.publish()
    rig.settle()
    (tmp_path / "site-roster" / "manifest.json").unlink()
    rig.restart()
    rig.inbox.drained()
    rig.settle(old)
    assert rig.refused() == ["rolled_back"]
    rig.settle()
    assert rig.refused() == []


@pytest.mark.rule(8)
@pytest.mark.parametrize(
    "changes", [{"people": 2}, {"credentials": 0}, {"codes": 1}, {"bytes": 7}, {"sha256": "0" * 64}]
)
def test_a_roster_that_is_not_what_its_manifest_says_is_refused_whole(rig: RosterRig, changes: EventFields) -> None:
    rig.desk.staff(1)
    rig.desk.publish()
    rig.hear(MANIFEST, resigned(rig, **({"version": 2} | changes)))
    rig.settle({topic: payload for topic, payload in rig.post.retained.items() if topic != MANIFEST})
    assert rig.refused() == ["content"]
    assert rig.text() == b""
    assert not rig.updates.working
