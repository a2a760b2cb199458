"""Code and PIN at the real daemon: set at the command line, entered on the keypad, recorded, limited over a kill."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from fakes.configuration import HALL, STAFF
from kazasu.cli import EXIT_OK, EXIT_PROBLEM, main
from kazasu.model.cue import CueName
from kazasu.outputs import cues
from kazasu.virtual.staff import WithoutCard
from kazasu.virtual.stage import TERMINAL, Enrolled, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

CUES = cues.load()
PIN, FORCED, WRONG = "51709364", "80261597", "51709365"  # long, so that no signature holds them by chance
OWN, NOBODYS = "739146205581", ("999990415203", "999990415204", "999990415205")
CODES = """
[codes]
tries_per_person = 2
tries_per_terminal = 4
"""
GUEST = """
[[levels]]
name = "guest"
doors = ["hall"]
min_assurance = "code"
"""
SETTINGS = CODES + HALL + GUEST + STAFF
PEOPLE = tuple(WithoutCard(number, f"Person {number}") for number in ("2001", "2002", "2003"))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    enrolled = Enrolled(others=PEOPLE, levels={"2001": "guest", "2002": "guest", "2003": "staff"})
    directory = tmp_path_factory.mktemp("stage")
    with (
        Stage(directory, SETTINGS, enrolled=enrolled, min_assurance="code", synchronised=True) as stage,
        stage.daemon,
    ):
        yield stage


class Desk:
    """Somebody who gives codes, and somebody at the keypad."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.stage = stage
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def types(self, *words: str, lines: str = "") -> tuple[int, str]:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(lines))
        code = main([*words, "--config", str(self.stage.config_file)])
        told = self._capsys.readouterr()
        return code, told.out + told.err

    def code_of(self, number: str, *, forced: bool = True) -> str:
        """Give a person a code and both PINs."""
        words = ("--duress",) if forced else ()
        exit_code, said = self.types("code", "set", number, *words, lines=f"{PIN}\n{FORCED}\n")
        assert exit_code == EXIT_OK, said
        assert PIN not in said
        assert FORCED not in said
        (made,) = re.findall(r"code is (\d{6}):", said)
        return str(made)

    def enters(self, code: str, pin: str, cue: CueName) -> dict[str, Any]:
        """Enter it, see the cue, and return the event, which is the only one."""
        seq, shown = self.stage.backlog.last_seq(), len(self.stage.daemon.shown)
        assert self.types("keypad", "press", f"{code}#{pin}#") == (EXIT_OK, "pressed\n")
        assert self.stage.daemon.wait_for(lambda: self.stage.daemon.played(CUES[cue], shown))
        events = [json.loads(body) for _, body in self.stage.backlog.after(seq, 100)]
        (event,) = [event for event in events if "decision" in event]
        return dict(event)


@pytest.fixture
def desk(stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(stage, monkeypatch, capsys)


@pytest.mark.rule(2)
def test_a_code_is_a_punch_and_opens_the_door_as_a_card_does(desk: Desk) -> None:
    code, moved = desk.code_of("2001"), len(desk.stage.daemon.moved)
    event = desk.enters(code, PIN, CueName.GRANTED)
    assert (event["event_type"], event["cardholder"], event["card"], event["assurance"], event["reader"]) == (
        "attendance.in", "2001", "code", "code", "desk",
    )  # fmt: skip
    assert (event["door"], event["door_decision"], event["level"]) == ("hall", "granted", "guest")
    assert "duress" not in event
    assert desk.stage.daemon.wait_for(lambda: len(desk.stage.daemon.moved) >= moved + 2)
    assert desk.stage.daemon.moved[moved:] == [("hall", "released"), ("hall", "locked")]
    forced = desk.enters(code, FORCED, CueName.GRANTED)
    assert (forced["door_decision"], forced["duress"]) == ("granted", 1)


def test_a_level_that_asks_for_a_card_does_not_open_by_code(desk: Desk) -> None:
    event = desk.enters(desk.code_of("2003"), PIN, CueName.DENIED)
    assert (event["event_type"], event["door_reason"]) == ("attendance.in", "assurance_too_low")


def test_wrong_tries_are_limited_and_a_kill_gives_no_new_ones(desk: Desk) -> None:
    code = desk.code_of("2002")
    for _ in range(2):
        wrong = desk.enters(code, WRONG, CueName.RETRY)
        assert (wrong["reason"], wrong["cardholder"]) == ("wrong_code", "2002")
    desk.stage.daemon.kill()
    desk.stage.daemon.start()
    event = desk.enters(code, PIN, CueName.DENIED)
    assert (event["reason"], event["door_reason"]) == ("too_many_tries", "too_many_tries")
    for nobody in NOBODYS[:2]:
        unknown = desk.enters(nobody, PIN, CueName.RETRY)
        assert unknown["reason"] == "wrong_code"
        assert "cardholder" not in unknown
    event = desk.enters(NOBODYS[2], PIN, CueName.DENIED)
    assert event["reason"] == "too_many_tries", "the terminal's own limit"


def test_who_has_a_code_is_listed_and_codes_go_when_they_are_taken(desk: Desk) -> None:
    assert desk.types("code", "list") == (
        EXIT_OK,
        "2001, with a PIN of duress\n2002, with a PIN of duress\n2003, with a PIN of duress\n",
    )
    assert desk.types("code", "remove", "2003")[0] == EXIT_OK
    assert desk.types("code", "remove", "2003")[0] == EXIT_PROBLEM
    assert "2003" not in desk.types("code", "list")[1]


@pytest.mark.parametrize(
    ("words", "lines", "said"),
    [
        (("set", "9999"), f"{PIN}\n", "9999 is not in the roster"),
        (("set", "2003"), "1234\n", "PIN: equal digits, digits in a row"),
        (("set", "2003"), "", "PIN: a PIN has 4 to 8 digits"),
        (("set", "2003", "--duress"), f"{PIN}\n{PIN}\n", "PIN of duress: the code, the person's number"),
        (("set", "2003", "--own"), f"12\n{PIN}\n", "a code has 4 to 12 digits"),
    ],
)
def test_a_code_that_cannot_be_is_said_in_words(desk: Desk, words: tuple[str, ...], lines: str, said: str) -> None:
    code, told = desk.types("code", *words, lines=lines)
    assert code == EXIT_PROBLEM
    assert said in told
    assert "2003" not in desk.types("code", "list")[1]


def test_a_code_of_ones_own_is_taken_once(desk: Desk) -> None:
    code, told = desk.types("code", "set", "2001", "--own", lines=f"{OWN}\n{PIN}\n")
    assert (code, told.partition(";")[0]) == (EXIT_OK, "2001's code is set")
    code, told = desk.types("code", "set", "2003", "--own", lines=f"{OWN}\n{PIN}\n")
    assert code == EXIT_PROBLEM
    assert "somebody else has this code" in told


@pytest.mark.rule(7)
def test_no_code_and_no_pin_is_in_journal_log_or_roster_and_all_of_it_arrives(desk: Desk) -> None:
    stage = desk.stage
    last_seq = stage.backlog.last_seq()
    assert stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) >= last_seq)
    assert stage.subscriber.problems == []
    published = b"".join(event.body for event in stage.subscriber.events)
    stored = b"".join(path.read_bytes() for path in stage.config.terminal.state_dir.glob("*.db*"))
    log = stage.daemon.log_file.read_bytes()
    for secret in (PIN, FORCED, WRONG, OWN, *NOBODYS):
        assert secret.encode() not in published + stored + log
