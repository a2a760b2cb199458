"""What a person is asked, and what happens to what they type."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from fakes.dialogue import ScriptedDialogue
from kazasu.cli.setup.interview import Interview, shown
from kazasu.cli.setup.place import Place
from kazasu.cli.setup.questions import QUESTIONS
from kazasu.errors import KazasuError, ReaderUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.cli.setup.question import Question

TO_READER = ["town-hall", "entrance-1", "", ""]
FROM_READER = ["", "felica", "terminal", "none", ""]
ACR1252 = ["ACS ACR1252 [PICC] 00 00", "ACS ACR1252 [SAM] 01 00"]
RC_S300 = "SONY FeliCa RC-S300/P 00 00"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, {}, tmp_path, lambda: [*ACR1252, RC_S300])


def ask(place: Place, *typed: str, japanese: bool = False) -> tuple[dict[str, Any], list[str]]:
    dialogue = ScriptedDialogue(*typed)
    answers: dict[str, Any] = {}
    Interview(dialogue, japanese=japanese).ask_all(place, answers)
    return answers, dialogue.said


def test_enter_takes_what_stands_in_brackets(place: Place) -> None:
    answers, said = ask(place, *TO_READER, "", *FROM_READER)
    assert answers == {
        "state_dir": str(place.folder / "state"),
        "site": "town-hall",
        "terminal": "entrance-1",
        "timezone": "Asia/Tokyo",
        "direction": "alternate",
        "reader": "*PICC*",
        "reader_name": "desk",
        "cards": ["felica"],
        "outputs": "terminal",
        "broker": "none",
        "pepper": "new",
    }
    assert "  [Asia/Tokyo] > " in said
    assert "  [jpki felica mifare] > " in said


def test_a_wrong_answer_is_said_in_words_and_asked_again(place: Place) -> None:
    answers, said = ask(place, "Town Hall", *TO_READER, "", *FROM_READER)
    assert answers["site"] == "town-hall"
    mistake = said.index("  'Town Hall' is not 1 to 32 of a-z, 0-9 and -, not - first")
    assert said[mistake - 1] == said[mistake + 1] == "  > "


def test_where_there_is_no_default_something_has_to_be_typed(place: Place) -> None:
    answers, said = ask(place, "", *TO_READER, "", *FROM_READER)
    assert answers["site"] == "town-hall"
    assert "  an answer is needed, such as town-hall" in said


def test_the_beginning_of_a_word_will_do(place: Place) -> None:
    answers, _ = ask(place, *TO_READER[:-1], "s", "", "", "", "", "felica", "t", "none", "")
    assert (answers["direction"], answers["outputs"]) == ("schedule", "terminal")
    assert answers["in"] == ["05:00-12:00"]


@pytest.mark.parametrize("question", QUESTIONS, ids=[question.key for question in QUESTIONS])
def test_a_question_fits_a_line_of_a_small_screen(question: Question) -> None:
    for text in (question.english, question.japanese):
        assert sum(2 if unicodedata.east_asian_width(character) in "WFA" else 1 for character in text) < 80


def test_only_what_is_open_is_asked(place: Place) -> None:
    answers, said = ask(place, *TO_READER, "", *FROM_READER)
    asked = [question.key for question in QUESTIONS if question.english in said]
    assert asked == [key for key in answers if key != "state_dir"]


def test_a_reader_is_chosen_by_its_number(place: Place) -> None:
    answers, said = ask(place, *TO_READER, "2", *FROM_READER)
    assert answers["reader"] == "SONY FeliCa RC-S300/P*"
    assert f"  2  {RC_S300}" in said
    assert not [line for line in said if line.endswith(ACR1252[1])], "no card reaches the SAM's slot"


def test_a_reader_is_plugged_in_while_it_is_asked_for(place: Place) -> None:
    seen: list[str] = []

    class PlugsIn(ScriptedDialogue):
        def ask(self, prompt: str) -> str:
            typed = super().ask(prompt)
            if typed == "?":
                seen.append(RC_S300)
            return typed

    dialogue = PlugsIn(*TO_READER, "?", "", *FROM_READER)
    answers: dict[str, Any] = {}
    Interview(dialogue, japanese=False).ask_all(place._replace(list_readers=lambda: seen), answers)
    assert "  none is there now: plug it in and type ?" in dialogue.said
    assert answers["reader"] == "SONY FeliCa RC-S300/P*"


def test_why_no_reader_is_seen_is_said(place: Place) -> None:
    def silent() -> list[str]:
        raise ReaderUnavailable("pcscd does not run: systemctl start pcscd.socket")

    answers, said = ask(place._replace(list_readers=silent), *TO_READER, "", *FROM_READER)
    assert "  pcscd does not run: systemctl start pcscd.socket" in said
    assert answers["reader"] == "*"


def test_one_can_go_back_and_what_was_typed_is_offered_again(place: Place) -> None:
    answers, said = ask(
        place, "twon-hall", "entrance-1", "<", "<", "town-hall", *["", "", "", "", ""], *FROM_READER[1:]
    )
    assert (answers["site"], answers["terminal"]) == ("town-hall", "entrance-1")
    assert "  [twon-hall] > " in said
    assert "  [entrance-1] > " in said


def test_before_the_first_question_there_is_nothing_to_go_back_to(place: Place) -> None:
    answers, _ = ask(place, "<", *TO_READER, "", *FROM_READER)
    assert answers["site"] == "town-hall"


def test_what_was_chosen_before_leaves_nothing_behind(place: Place) -> None:
    answers, _ = ask(place, *TO_READER[:-1], "schedule", "", "<", "<", "alternate", "", *FROM_READER)
    assert not {"in", "out"} & answers.keys()


def test_nobody_is_there_any_more(place: Place) -> None:
    with pytest.raises(EOFError):
        ask(place, "town-hall")


def test_japanese_stands_beside_english_where_it_is_read(place: Place) -> None:
    _, english = ask(place, *TO_READER, "", *FROM_READER)
    _, both = ask(place, *TO_READER, "", *FROM_READER, japanese=True)
    assert all(line.isascii() for line in english)
    assert both.index("タイムゾーン") == both.index("Time zone") + 1
    assert [line for line in both if line.isascii()] == english


@pytest.mark.parametrize(
    ("typed", "agreed"), [("", True), ("y", True), ("YES", True), ("はい", True), ("n", False), ("いいえ", False)]
)
def test_enter_agrees(typed: str, agreed: bool) -> None:
    assert Interview(ScriptedDialogue("what?", typed), japanese=False).agree("Well?", "よい?") is agreed


@pytest.mark.parametrize(
    ("answer", "text"), [(5, "5"), (True, "yes"), (False, "no"), (["a b", "c"], "'a b' c"), ("x", "x")]
)
def test_answers_are_shown_as_they_would_be_typed(answer: Any, text: str) -> None:
    assert shown(answer) == text


def test_what_a_bundle_has_settled_nobody_is_asked_for(place: Place) -> None:
    dialogue = ScriptedDialogue("", "", *FROM_READER)
    answers: dict[str, Any] = {}
    given = {"site": "town-hall", "terminal": "entrance-1", "timezone": "Asia/Tokyo"}
    Interview(dialogue, japanese=False, given=given).ask_all(place, answers)
    assert answers["terminal"] == "entrance-1"
    assert not any(line.startswith(("Site:", "Terminal:", "Time zone")) for line in dialogue.said)


def test_going_back_passes_over_what_is_settled(place: Place) -> None:
    answers: dict[str, Any] = {}
    dialogue = ScriptedDialogue("town-hall", "<", "city-hall", "")
    interview = Interview(dialogue, japanese=False, given={"terminal": "entrance-1"})
    with pytest.raises(EOFError):
        interview.ask_all(place, answers)
    assert (answers["site"], answers["terminal"]) == ("city-hall", "entrance-1")


def test_what_is_settled_and_cannot_be_here_is_said(place: Place) -> None:
    with pytest.raises(KazasuError, match="broker_ca, which the bundle says is /nowhere"):
        Interview(
            ScriptedDialogue(*TO_READER, "", "", "felica", "terminal"),
            japanese=False,
            given={"broker": "b", "broker_port": 1, "broker_ca": "/nowhere"},
        ).ask_all(place, {})
