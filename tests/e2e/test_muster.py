"""The roll call of two real terminals at a real broker: who is inside, who is missing, when not to trust the list."""

from __future__ import annotations

import json
import select
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from kazasu.cli import EXIT_OK, EXIT_PROBLEM, main
from kazasu.config import load
from kazasu.model.cue import CueName
from kazasu.outputs import cues
from kazasu.publishers.visit import visiting
from kazasu.publishers.wire import Topics
from kazasu.store.backlog import Backlog
from kazasu.store.keys import generate_signer, write_public
from kazasu.virtual.daemon import DaemonProcess
from kazasu.virtual.stage import SITE, TERMINAL, Enrolled, Stage
from kazasu.virtual.vpcd import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.virtual.card import VirtualCard

CUES = cues.load()
PARK = "park-2"
DOOR = f"""
[services.door]

[[doors]]
name = "hall"
readers = ["desk"]
area = "hall"
release = "1s"

[[levels]]
name = "staff"
doors = ["hall"]

[muster]
terminals = {{ {PARK} = "{PARK}.pem" }}
"""
MEETING_POINT = """
[terminal]
site = "{site}"
id = "{park}"
min_assurance = "serial"
state_dir = "state"

[[readers]]
name = "meeting"
match = "*00 01"

[cards.jpki]
ca = ["../authca.pem"]

[services.muster]
readers = ["meeting"]

[outputs]
driver = "terminal"

{mqtt}

[collector]
key = "../collector.pub"

[muster]
terminals = {{ {terminal} = "../event.pub.pem" }}
"""
MQTT = """
[mqtt]
host = "{client.host}"
port = {client.port}
ca = "{client.ca_file}"
certificate = "{client.certificate_file}"
key = "{client.key_file}"
"""


class Park:
    """The second terminal: nothing but a meeting point, across the street; and an operations desk."""

    def __init__(self, stage: Stage, directory: Path, stack: ExitStack) -> None:
        (directory / "park").mkdir()
        self.directory = park = directory / "park"
        shutil.copytree(directory / "keys", park / "keys")
        (park / "keys" / "event.key").unlink()
        write_public(directory / f"{PARK}.pem", generate_signer(park / "keys" / "event.key"))
        (park / "state").mkdir(mode=0o700)
        shutil.copy(stage.config.terminal.roster_path, park / "state")
        self.config_file = park / "kazasu.toml"
        mqtt = MQTT.format(client=stage.broker.client(PARK))
        self.config_file.write_text(MEETING_POINT.format(site=SITE, park=PARK, terminal=TERMINAL, mqtt=mqtt))
        self.desk_file = directory / "desk.toml"
        self.desk(stage, park=f"{PARK}.pem")
        self.slot = stack.enter_context(Slot(stage.pcscd.ports[1]))
        self.daemon = DaemonProcess(self.config_file, park)
        stack.callback(self.daemon.kill)
        self.backlog = Backlog(load(self.config_file).terminal.journal_path)

    def desk(self, stage: Stage, *, park: str) -> None:
        """Write the desk's file: no terminal, the certificate of operations, public keys, a roster for the names."""
        self.desk_file.write_text(
            f"""
site = "{SITE}"
roster = "state/roster.db"
{MQTT.format(client=stage.broker.client("operations"))}
[muster]
terminals = {{ {TERMINAL} = "event.pub.pem", {PARK} = "{park}" }}
"""
        )

    def tap(self, card: VirtualCard, cue: CueName) -> dict[str, Any]:
        seq, shown = self.backlog.last_seq(), len(self.daemon.shown)
        self.slot.insert(card)
        assert self.daemon.wait_for(lambda: self.daemon.played(CUES[cue], shown))
        self.slot.remove()
        self.slot.wait_for(lambda: self.slot.vacant)
        events = [json.loads(body) for _, body in self.backlog.after(seq, 100)]
        (event,) = [event for event in events if "decision" in event]
        return dict(event)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Park]]:
    directory = tmp_path_factory.mktemp("stage")
    levels = {"1001": "staff", "1003": "staff", "1005": "staff"}
    with Stage(directory, DOOR, enrolled=Enrolled(levels=levels), synchronised=True) as stage, ExitStack() as stack:
        park = Park(stage, directory, stack)
        stack.enter_context(stage.daemon)
        yield stage, park


@pytest.fixture
def stage(site: tuple[Stage, Park]) -> Stage:
    return site[0]


@pytest.fixture
def park(site: tuple[Stage, Park]) -> Park:
    return site[1]


class Reader:
    """Somebody who types `kazasu muster`."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def types(self, *words: str) -> tuple[int, str]:
        """Returns the exit code and what was printed."""
        self._capsys.readouterr()
        code = main(["muster", *words])
        printed = self._capsys.readouterr()
        return code, printed.out + printed.err

    def list(self, *words: str) -> dict[str, Any]:
        """The list as a program gets it."""
        code, printed = self.types("--json", *words)
        listed: dict[str, Any] = json.loads(printed)
        assert code == (EXIT_OK if listed["complete"] else EXIT_PROBLEM)
        return listed


@pytest.fixture
def reader(capsys: pytest.CaptureFixture[str]) -> Reader:
    return Reader(capsys)


def card(stage: Stage, number: str) -> VirtualCard:
    (found,) = [person.card for person in stage.staff if person.number == number]
    return found


def numbers(listed: dict[str, Any]) -> list[str]:
    return [each["cardholder"] for each in listed["inside"]]


def settled(stage: Stage, park: Park) -> bool:
    """Wait until both terminals have said all that they recorded; returns whether they have."""

    def said(terminal: str, backlog: Backlog) -> bool:
        topics = Topics(SITE, terminal)
        state, health, muster = (
            json.loads(stage.subscriber.retained.get(topic, b"{}"))
            for topic in (topics.state, topics.health, topics.muster())
        )
        last_seq = backlog.last_seq()
        if {muster.get("seq"), health.get("last_seq"), health.get("acked_seq")} != {last_seq}:
            return False
        return bool(state["conn"] == health["conn"])

    both = ((TERMINAL, stage.backlog), (PARK, park.backlog))
    return stage.subscriber.wait_for(lambda: all(said(*one) for one in both))


def why(listed: dict[str, Any], terminal: str) -> str:
    return " ".join(lack["why"] for lack in listed["incomplete"] if lack["terminal"] == terminal)


def test_a_terminal_lists_its_own_people_and_says_that_another_was_never_heard(stage: Stage, reader: Reader) -> None:
    for number in ("1001", "1003"):
        stage.tap(card(stage, number))
    listed = reader.list("--config", str(stage.config_file))
    assert numbers(listed) == ["1001", "1003"]
    assert (listed["inside"][0]["name"], listed["inside"][0]["area"]) == ("山田 花子", "hall")
    assert why(listed, PARK).startswith("has never been heard")


def test_with_all_terminals_there_the_list_is_complete_wherever_it_is_made(
    stage: Stage, park: Park, reader: Reader
) -> None:
    park.daemon.start()
    assert settled(stage, park)
    lists = [
        reader.list(*where)
        for where in (
            ("--config", str(stage.config_file)),
            ("--config", str(park.config_file)),
            ("--desk", str(park.desk_file)),
        )
    ]
    assert [each["incomplete"] for each in lists] == [[], [], []]
    assert lists[0]["inside"] == lists[1]["inside"] == lists[2]["inside"]
    assert numbers(lists[0]) == ["1001", "1003"]
    conn = json.loads(stage.subscriber.retained[Topics(SITE, TERMINAL).state])["conn"]
    assert conn == 1, "a visit under the daemon's own name would have thrown it out"


def test_who_taps_at_the_meeting_point_is_accounted_for_and_who_does_not_is_missing(
    stage: Stage, park: Park, reader: Reader
) -> None:
    at_park = ("--config", str(park.config_file))
    early = park.tap(card(stage, "1003"), CueName.RETRY)
    assert (early["event_type"], early["reason"]) == ("muster.denied", "no_muster")
    assert reader.types("begin", "--config", str(stage.config_file))[0] == EXIT_PROBLEM, "no meeting point there"
    assert reader.types("begin", *at_park)[0] == EXIT_OK
    assert reader.types("begin", *at_park)[0] == EXIT_PROBLEM
    assert park.tap(card(stage, "1003"), CueName.GRANTED)["event_type"] == "muster.present"
    assert settled(stage, park)
    for where in (at_park, ("--config", str(stage.config_file)), ("--desk", str(park.desk_file))):
        listed = reader.list(*where)
        assert (listed["complete"], listed["missing"]) == (True, ["1001"]), listed
    code, text = reader.types(*at_park)
    assert code == EXIT_OK
    assert text.splitlines()[1].endswith("1 missing, 1 at the meeting point")
    assert "山田 花子" in text.partition("At the meeting point")[0]
    code, table = reader.types("--csv", *at_park)
    assert len(table.splitlines()) == 1 + len(("1001", "1003"))


def test_a_restart_knows_all_of_it_again(stage: Stage, park: Park, reader: Reader) -> None:
    for daemon in (stage.daemon, park.daemon):
        daemon.kill()
        daemon.start()
    assert settled(stage, park)
    listed = reader.list("--desk", str(park.desk_file))
    assert (listed["missing"], numbers(listed)) == (["1001"], ["1001", "1003"])


def test_who_signs_with_another_key_is_not_believed(stage: Stage, park: Park, reader: Reader) -> None:
    park.desk(stage, park="event.pub.pem")
    listed = reader.list("--desk", str(park.desk_file))
    park.desk(stage, park=f"{PARK}.pem")
    assert why(listed, PARK).startswith("is not believed: it names the key")
    assert listed["muster_since"] is None
    assert numbers(listed) == ["1001", "1003"]


def test_no_terminal_speaks_for_another(stage: Stage) -> None:
    """The real broker with the access list that is shipped: own topics, and no others."""
    codes = {}
    with visiting(stage.broker.client(PARK), "intruder") as connection:
        for terminal in (TERMINAL, PARK):
            mid = connection.publish(f"{Topics(SITE, terminal).muster()}/9", b"forged")
            while mid not in dict(connection.acks):
                events = select.POLLIN | (select.POLLOUT if connection.wants_write else 0)
                poll = select.poll()
                poll.register(connection, events)
                assert poll.poll(10_000)
                connection.write()
                connection.read()
            codes[terminal] = dict(connection.acks)[mid]
    assert codes == {TERMINAL: 0x87, PARK: 0x00}


def test_a_terminal_that_is_gone_is_said_on_top_and_its_people_stay_listed(
    stage: Stage, park: Park, reader: Reader
) -> None:
    stage.daemon.kill()
    state = Topics(SITE, TERMINAL).state
    seen = stage.subscriber
    assert seen.wait_for(lambda: json.loads(seen.retained[state])["state"] == "offline")
    code, text = reader.types("--config", str(park.config_file))
    assert code == EXIT_PROBLEM
    assert text.startswith(f"INCOMPLETE: terminal {TERMINAL} is offline since soon after ")
    assert "1001" in text
    stage.daemon.start()


def test_without_a_network_a_terminal_lists_its_own_people(stage: Stage, reader: Reader) -> None:
    stage.broker.stop()
    listed = reader.list("--config", str(stage.config_file))
    stage.broker.start()
    assert numbers(listed) == ["1001", "1003"]
    assert "cannot be asked" in why(listed, "")
    assert why(listed, PARK) == "could not be heard"


def test_the_end_of_the_muster_leaves_nobody_missing(park: Park, reader: Reader) -> None:
    at_park = ("--config", str(park.config_file))
    assert reader.types("end", *at_park)[0] == EXIT_OK
    assert reader.list(*at_park)["missing"] == []
    assert reader.types("end", *at_park)[0] == EXIT_PROBLEM
