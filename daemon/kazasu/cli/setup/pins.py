"""Questions for the Pi's pins: what is wired to which; no pin is taken twice, nor by another terminal of this Pi."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kazasu.cli.setup.place import value_at
from kazasu.cli.setup.question import NONE, Form, Question, Wrong, always

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.cli.setup.place import Configured, Place
    from kazasu.cli.setup.question import Answer, Answers


def _check_pin(question_key: str) -> Callable[[Any, Answers, Place], None]:
    def check(answer: object, answers: Answers, place: Place) -> None:
        for other in PIN_QUESTIONS:
            taken = other.table[-1] == "pin" and other.key != question_key and answers.get(other.key) == answer
            if taken and answer != NONE:
                raise Wrong(f"GPIO{answer} is taken: {other.english.partition(':')[0]}")
        for neighbour in place.neighbours:
            if answer in _pins_of(neighbour):
                raise Wrong(f"GPIO{answer} is taken by {neighbour.folder.name}, another terminal of this Pi")

    return check


def _pins_of(configured: Configured) -> set[object]:
    tables = [value_at(configured.document, table) or {} for table in (("outputs", "gpio"), ("buttons",))]
    return {part["pin"] for table in tables for part in table.values()}


def has_lights(answers: Answers) -> bool:
    """Whether LEDs and buzzer are wired."""
    return answers.get("outputs") == "gpio"


def has_relay(answers: Answers) -> bool:
    """Whether a relay is, too."""
    return has_lights(answers) and answers.get("relay", NONE) != NONE


def has_buttons(answers: Answers) -> bool:
    """Whether buttons are."""
    return has_lights(answers) and answers.get("direction") == "button"


def _first_free(*numbers: int) -> Callable[[Answers, Place], Answer | None]:
    """The pins of docs/wiring.md, or of docs/install.md for a second terminal."""

    def free(_answers: Answers, place: Place) -> Answer | None:
        taken = {pin for neighbour in place.neighbours for pin in _pins_of(neighbour)}
        return next((number for number in numbers if number not in taken), None)

    return free


def _pin(key: str, english: str, japanese: str, asked: Callable[[Answers], bool], *numbers: int) -> Question:
    button = key.removeprefix("button_")
    return Question(
        key,
        english,
        japanese,
        Form.NUMBER,
        ("outputs", "gpio", key, "pin") if button == key else ("buttons", button, "pin"),
        asked=asked,
        default=_first_free(*numbers) if numbers else always(NONE),
        check=_check_pin(key),
        or_none=not numbers,
    )


PIN_QUESTIONS = (
    _pin("green", "Green LED: GPIO (BCM) number", "緑 LED の GPIO(BCM)番号", has_lights, 17, 16),
    _pin("red", "Red LED: GPIO number", "赤 LED の GPIO 番号", has_lights, 27, 26),
    _pin("buzzer", "Buzzer: GPIO number", "ブザーの GPIO 番号", has_lights, 22, 13),
    _pin("relay", "Relay: GPIO number, or none", "リレーの GPIO 番号(なければ none)", has_lights),
    Question(
        "relay_active_low",
        "Does the relay switch on when its pin is low? Most boards do",
        "リレーはピンが Low のとき動作しますか(多くの基板は yes)",
        Form.YES_NO,
        ("outputs", "gpio", "relay", "active_low"),
        asked=has_relay,
        default=always(True),
        unset=False,
    ),
    _pin("button_in", 'Button "in": GPIO number', "「出勤」ボタンの GPIO 番号", has_buttons, 23, 12),
    _pin("button_out", 'Button "out": GPIO number', "「退勤」ボタンの GPIO 番号", has_buttons, 24, 25),
)
