"""No pin is taken twice: not in these answers, and not by another terminal of this Pi."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kazasu.cli.setup.pins import PIN_QUESTIONS, has_buttons, has_lights, has_relay
from kazasu.cli.setup.place import Configured, Place
from kazasu.cli.setup.question import NONE, Wrong

BY_KEY = {question.key: question for question in PIN_QUESTIONS}
NEIGHBOUR = Configured(
    Path("/etc/kazasu@in"), {"outputs": {"gpio": {"green": {"pin": 17}}}, "buttons": {"in": {"pin": 23}}}
)


def place(*neighbours: Configured) -> Place:
    return Place(Path("/etc/kazasu"), {}, Path("/"), list, neighbours)


def check(key: str, answer: object, answers: dict[str, Any], *neighbours: Configured) -> None:
    BY_KEY[key].check(answer, answers, place(*neighbours))


@pytest.mark.parametrize(
    ("key", "answer", "answers", "words"),
    [
        ("red", 17, {"green": 17}, "GPIO17 is taken: Green LED$"),
        ("button_out", 23, {"button_in": 23}, 'GPIO23 is taken: Button "in"$'),
        ("relay", 22, {"buzzer": 22}, "GPIO22 is taken: Buzzer$"),
    ],
)
def test_a_pin_of_another_part_is_refused(key: str, answer: object, answers: dict[str, Any], words: str) -> None:
    with pytest.raises(Wrong, match=words):
        check(key, answer, answers)


def test_what_is_no_pin_of_another_part_is_taken() -> None:
    check("green", 17, {"green": 17})  # its own answer, given again
    check("relay", NONE, {"buzzer": NONE})
    check("red", 1, {"relay_active_low": True})  # 1 == True, and no pin


@pytest.mark.parametrize("taken", [17, 23])
def test_a_pin_of_another_terminal_is_refused_and_never_proposed(taken: int) -> None:
    with pytest.raises(Wrong, match=f"GPIO{taken} is taken by kazasu@in, another terminal of this Pi"):
        check("buzzer", taken, {}, NEIGHBOUR)
    proposed = {question.key: question.default({}, place(NEIGHBOUR)) for question in PIN_QUESTIONS}
    assert taken not in proposed.values()
    assert (proposed["green"], proposed["button_in"], proposed["red"]) == (16, 12, 27)


def test_alone_the_pins_of_the_wiring_guide_are_proposed_and_no_relay() -> None:
    proposed = {question.key: question.default({}, place()) for question in PIN_QUESTIONS}
    assert proposed == {
        "green": 17,
        "red": 27,
        "buzzer": 22,
        "relay": NONE,
        "relay_active_low": True,
        "button_in": 23,
        "button_out": 24,
    }


def test_with_every_proposal_taken_there_is_none() -> None:
    other = Configured(Path("/etc/kazasu@out"), {"outputs": {"gpio": {"red": {"pin": 16}}}})
    assert BY_KEY["green"].default({}, place(NEIGHBOUR, other)) is None


@pytest.mark.parametrize(
    ("answers", "lights", "relay", "buttons"),
    [
        ({}, False, False, False),
        ({"outputs": "terminal", "relay": 5, "direction": "button"}, False, False, False),
        ({"outputs": "gpio"}, True, False, False),
        ({"outputs": "gpio", "relay": NONE}, True, False, False),
        ({"outputs": "gpio", "relay": 5, "direction": "button"}, True, True, True),
    ],
)
def test_only_what_is_wired_is_asked_about(answers: dict[str, Any], lights: bool, relay: bool, buttons: bool) -> None:
    assert (has_lights(answers), has_relay(answers), has_buttons(answers)) == (lights, relay, buttons)
