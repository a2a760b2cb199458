"""The site's roster over a real broker into the real daemon: who is published is let in, who is revoked is not."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.configuration import HALL, STAFF
from fakes.roster_desk import RetainedPost, TestDesk
from kazasu.cli import EXIT_PROBLEM, main
from kazasu.model.document import signed
from kazasu.model.signature import Ed25519Signer
from kazasu.publishers.visit import visiting
from kazasu.publishers.wire import Topics
from kazasu.site.post import Post
from kazasu.store.keys import load_pepper
from kazasu.virtual.stage import SITE, TERMINAL, Enrolled, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

TOPICS = Topics(SITE, TERMINAL)
SETTINGS = HALL + STAFF


class Town:
    """A stage whose terminal follows a desk."""

    def __init__(self, stage: Stage, folder: Path, stack: ExitStack) -> None:
        self.stage = stage
        self._stack = stack
        self._post: Post | None = None
        self.sent = RetainedPost()
        self.desk = TestDesk(folder, SITE, self, stage.site_key, load_pepper(stage.config.keys.pepper))
        self.state = stage.config.terminal.site_roster_path

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Publish, over a new connection if the broker was away. Implements the Publishes seam."""
        kept = list(messages)
        self.sent.publish_all(kept)
        if self._post is None:
            self._post = Post(self._stack.enter_context(visiting(self.stage.broker.client("desk"), "desk")))
        self._post.publish_all(kept)

    def kill_broker(self) -> None:
        """The broker dies, and is there again."""
        self.stage.broker.kill()
        self._post = None
        self.stage.broker.start()

    def fill(self, people: int) -> None:
        """Write people.csv: the staff, and so many others."""
        lines = (self.stage.config_file.parent / "roster.csv").read_text().splitlines()[1:]
        self.desk.write(
            *lines, *(f"{n},Person {n},{self.desk.card(n)},serial,,,staff" for n in range(10_000, 10_000 + people))
        )

    def tap(self) -> dict[str, Any]:
        """The first of the staff taps; returns the event."""
        seq = self.stage.backlog.last_seq()
        self.stage.tap(self.stage.staff[0].card)
        events = [json.loads(body) for _, body in self.stage.backlog.after(seq, 100)]
        (event,) = [event for event in events if "decision" in event]
        return dict(event)

    def told(self, event_type: str, since: int) -> list[dict[str, Any]]:
        """The journal's events of a type behind another."""
        bodies = [json.loads(body) for _, body in self.stage.backlog.after(since, 10_000)]
        return [body for body in bodies if body["event_type"] == event_type]

    def began_or_applied(self, version: int) -> bool:
        """Wait until a version is being made, or is in place."""
        return self.stage.wait_for(
            lambda: (
                (self.state / "new.db").exists()
                or any(event["roster_version"] == version for event in self.told("roster.applied", 0))
            )
        )

    def refused(self, reason: str, since: int) -> bool:
        """Wait until something was refused for a reason."""
        return self.stage.wait_for(lambda: reason in [each["reason"] for each in self.told("roster.refused", since)])

    def applied(self, version: int) -> bool:
        """Wait until a version is in place."""
        return self.stage.wait_for(
            lambda: any(event["roster_version"] == version for event in self.told("roster.applied", 0))
        )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    directory: Path = tmp_path_factory.mktemp("town")
    everybody = Enrolled(levels={str(number): "staff" for number in range(1001, 1006)})
    with Stage(directory / "stage", SETTINGS, enrolled=everybody, synchronised=True) as stage, ExitStack() as stack:
        town = Town(stage, directory / "roster", stack)
        town.fill(0)
        with stage.daemon:
            yield town


@pytest.mark.rule(8)
def test_what_the_desk_publishes_decides_at_the_next_tap(town: Town) -> None:
    version = town.desk.publish().version
    assert town.applied(version)
    event = town.tap()
    assert (event["roster_version"], event["decision"], event["door_decision"]) == (version, "granted", "granted")


@pytest.mark.rule(8)
def test_the_levels_that_it_brings_take_the_place_of_the_configurations(town: Town) -> None:
    levels = town.desk.folder / "levels.toml"
    levels.write_text('[[levels]]\nname = "staff"\ndoors = ["elsewhere"]\n')
    assert town.applied(town.desk.publish().version)
    assert town.tap()["door_reason"] == "no_access_level"
    town.stage.daemon.kill()
    town.stage.daemon.start()
    assert town.tap()["door_reason"] == "no_access_level"
    levels.write_text('[[levels]]\nname = "staff"\ndoors = ["*"]\n')
    assert town.applied(town.desk.publish().version)
    assert town.tap()["door_decision"] == "granted"


@pytest.mark.rule(8)
def test_a_revoked_card_is_worth_nothing_at_the_next_tap(town: Town) -> None:
    card = town.tap()["credential"]
    assert town.applied(town.desk.revoke(card).version)
    assert town.tap()["reason"] == "credential_revoked"
    (town.desk.folder / "published.toml").write_text(
        (town.desk.folder / "published.toml").read_text().replace(f'"{card}"', "")
    )
    assert town.applied(town.desk.publish().version)
    assert town.tap()["reason"] == "already_done"


def test_it_goes_on_where_a_broker_that_died_between_two_parts_left_it(town: Town) -> None:
    town.fill(9000)
    kept = RetainedPost()
    published = town.desk.publish(kept)
    parts = {topic: part for topic, part in kept.retained.items() if topic != TOPICS.roster_of_all}
    last = TOPICS.roster_part(published.version, f"{_offered(published)}-1")
    town.publish_all((topic, payload) for topic, payload in kept.retained.items() if topic != last)
    digests = len([topic for topic in parts if f"/{_offered(published)}-" in topic])
    assert town.stage.wait_for(lambda: _parts_in(town.state) >= digests - 1)
    town.kill_broker()
    assert town.tap()["roster_version"] < published.version
    town.publish_all([(last, parts[last])])
    assert town.applied(published.version)
    assert _parts_in(town.state) == 0


def test_a_daemon_that_is_killed_while_it_takes_a_roster_over_has_the_old_one_and_goes_on(town: Town) -> None:
    for people in (9000, 9500, 9600, 9700, 9800):  # until the kill comes in between
        (town.desk.folder / "published.txt").unlink(missing_ok=True)  # no delta: a whole one takes longer
        town.fill(people)
        before = town.tap()["roster_version"]
        published = town.desk.publish()
        assert town.began_or_applied(published.version)
        town.stage.daemon.kill()
        caught = (town.state / "new.db").exists()
        town.stage.daemon.start()
        assert not caught or before < published.version
        assert town.applied(published.version) or not caught
        assert town.tap()["roster_version"] == published.version
        if caught:
            return
    pytest.fail("never caught in between")


@pytest.mark.rule(8)
def test_what_a_broker_makes_up_or_keeps_for_later_is_refused_and_recorded(town: Town) -> None:
    town.fill(0)
    old = town.sent.retained[TOPICS.roster_of_all]
    version = town.desk.publish().version
    assert town.applied(version)
    fields = json.loads(town.sent.retained[TOPICS.roster_of_all])
    del fields["keyid"], fields["sig"]
    newer = fields | {"version": version + 5}
    stranger = Ed25519Signer(Ed25519PrivateKey.generate())
    since = town.stage.backlog.last_seq()
    for payload, reason in (
        (old, "rolled_back"),
        (signed(newer, stranger).body, "signature"),
        (signed(newer | {"site": "elsewhere"}, town.desk.signer).body, "other_site"),
        (signed(newer | {"aud": "exit-9"}, town.desk.signer).body, "other_terminal"),
        (signed(fields | {"people": 1}, town.desk.signer).body, "forked"),
    ):
        town.publish_all([(TOPICS.roster_of_all, payload)])
        assert town.refused(reason, since)
    assert town.tap()["roster_version"] == version
    assert town.stage.subscriber.problems == []


def test_the_roster_is_changed_at_the_desk_alone(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    csv_path = town.stage.config_file.parent / "roster.csv"
    assert main(["roster", "import", str(csv_path), "--config", str(town.stage.config_file)]) == EXIT_PROBLEM
    assert "kazasu site publish" in capsys.readouterr().err


def _offered(published: Any) -> str:
    return "delta" if published.delta is not None else "full"


def _parts_in(folder: Path) -> int:
    return sum(len(path.name) == 64 for path in folder.iterdir())
