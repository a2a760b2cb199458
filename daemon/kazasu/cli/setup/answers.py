"""What was answered: whether it can be taken, and the configuration and the files that come of it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from kazasu.cli.setup.brought_along import KEEP, NEW
from kazasu.cli.setup.files import NewFile, read
from kazasu.cli.setup.place import Configured, value_at
from kazasu.cli.setup.question import NONE, Form
from kazasu.cli.setup.questions import OPTIONAL_TABLES, QUESTIONS
from kazasu.cli.setup.reader_pattern import fits
from kazasu.config.problems import problems
from kazasu.errors import KazasuError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.cli.setup.place import Place
    from kazasu.cli.setup.question import Answer, Answers, Question
    from kazasu.model.configuration import Config

_STAND_INS: dict[str, Any] = {
    "site": "a",
    "terminal": "a",
    "direction": "alternate",
    "in": ["05:00-12:00"],
    "out": NONE,
    "reader": "*",
    "reader_name": "desk",
    "cards": ["felica"],
    "jpki_ca": ["ca.pem"],
    "outputs": "gpio",
    "green": 17,
    "red": 27,
    "buzzer": 22,
    "button_in": 23,
    "button_out": 24,
    "broker": NONE,
    "broker_ca": "ca.pem",
    "client_certificate": "client.pem",
    "client_key": "client.key",
}
"""Answers that are in order, for those that are still to come."""

_PULLED_UP = range(9)  # BCM2835 ARM Peripherals, table 6-31; the others are pulled down

_OTHER_USES = {
    **dict.fromkeys((0, 1), "the HAT's memory"),
    **dict.fromkeys((2, 3), "I2C"),
    **dict.fromkeys(range(7, 12), "SPI"),
    **dict.fromkeys((14, 15), "the serial console"),
}


def fault(question: Question, answer: object, answers: Answers, place: Place) -> str:
    """Say what is wrong with an answer, in words; empty if it can be taken.

    Args:
        question: what was asked.
        answer: anything that TOML can hold.
        answers: those given before.
        place: where the terminal is set up.
    """
    none = question.or_none and answer == NONE
    if not none and not _well_formed(question.form, answer):
        return f"{answer!r:.80} is not {_EXPECTED[question.form]}"
    try:
        question.check(answer, answers, place)
    except KazasuError as error:
        return str(error)
    if none:
        return ""
    # The configuration's own checks, on one that is in order but for this answer.
    found = problems(document({**_STAND_INS, **answers, question.key: answer}, place._replace(present={})))
    return found[0][1] if found else ""


def default(question: Question, answers: Answers, place: Place) -> Answer | None:
    """Say what is taken if nothing is answered: what is configured now, or what suits most; None if nothing does."""
    proposals = [_configured(question, Configured(place.folder, place.present))]
    if question.shared:
        proposals += [_configured(question, neighbour) for neighbour in place.neighbours]
    for answer in (*proposals, question.default(answers, place)):
        if answer is not None and not fault(question, answer, answers, place):
            return answer
    return None


def document(answers: Answers, place: Place) -> dict[str, Any]:
    """Make a configuration of answers.

    Args:
        answers: what every question that they leave open is answered with.
        place: what is configured there now is kept, but for what was asked.

    Returns:
        What tomli would read from the file.
    """
    made = copy.deepcopy(dict(place.present))
    for question in QUESTIONS:
        if not question.table:
            continue
        answer = answers.get(question.key)
        if not question.asked(answers) or (question.or_none and answer == NONE):
            _take_away(made, question.table)
        elif answer is not None:
            _put(made, question.table, _as_configured(question, answer, place))
    collector = made.setdefault("collector", {})
    collector.pop("present", None)
    if "key" not in collector:
        collector["present"] = False
    for table, needed in OPTIONAL_TABLES.items():
        if not needed(answers):
            _take_away(made, table)
    return made


def notes(config: Config, place: Place) -> Iterator[str]:
    """Say what can be taken, but is better looked at twice."""
    for name in place.readers():
        mine = any(fits(reader.match, name) for reader in config.readers)
        for neighbour in place.neighbours:
            theirs = [reader.get("match", "*") for reader in neighbour.document["readers"]]
            if mine and any(fits(match, name) for match in theirs):
                yield f"{neighbour.folder.name} reads {name}, too: give each terminal of this Pi a reader of its own"
    yield from _notes_on_pins(config)


def _notes_on_pins(config: Config) -> Iterator[str]:
    """See docs/wiring.md, "Before the start and after a crash"."""
    pins = config.outputs.gpio
    if pins is None:
        return
    outputs = {"green LED": pins.green, "red LED": pins.red, "buzzer": pins.buzzer, "relay": pins.relay}
    for part, output in outputs.items():
        if output is None:
            continue
        pulled_up = output.pin in _PULLED_UP
        if output.active_low != pulled_up:
            pull, better = ("up", "12, 13 or 16 to 27") if pulled_up else ("down", "4, 5 or 6")
            yield (
                f"GPIO{output.pin} is pulled {pull} at power-on, which switches the {part} on until Kazasu starts:"
                f" better GPIO {better}"
            )
    buttons = () if config.buttons is None else (config.buttons.in_, config.buttons.out)
    for pin in (*outputs.values(), *buttons):
        if pin is not None and pin.pin in _OTHER_USES:
            yield f"GPIO{pin.pin} has another use on the header, {_OTHER_USES[pin.pin]}: better leave it alone"


def brought(answers: Answers, place: Place) -> list[NewFile]:
    """Name the files that the installer brought, as they are to lie beside the configuration.

    Args:
        answers: all of them, checked.
        place: where the terminal is set up.

    Raises:
        KeyMaterialError: one cannot be read any more.
    """
    found = []
    for question in QUESTIONS:
        if question.brings is None or not question.asked(answers):
            continue
        named = answers[question.key]
        if named in (NONE, NEW, KEEP):
            continue
        for answer in named if isinstance(named, list) else [named]:
            source, target = place.path(answer), place.folder / _installed(question, answer, place)
            found.append(NewFile(target, read(source, "key or certificate"), question.mode))
    return found


def _well_formed(form: Form, answer: object) -> bool:
    match form:
        case Form.TEXT:
            return isinstance(answer, str) and bool(answer) and answer.isprintable()
        case Form.NUMBER:
            return isinstance(answer, int | str) and not isinstance(answer, bool)
        case Form.YES_NO:
            return isinstance(answer, bool)
        case Form.LIST:
            return isinstance(answer, list) and all(isinstance(each, str) and each.isprintable() for each in answer)


_EXPECTED = {
    Form.TEXT: "a text",
    Form.NUMBER: "a number",
    Form.YES_NO: "yes (true) or no (false)",
    Form.LIST: "a list of texts",
}


def _put(document: dict[str, Any], table: tuple[str, ...], value: object) -> None:
    inner: Any = document
    for name in table[:-1]:
        inner = inner.setdefault(name, [{}] if name == "readers" else {})
        if isinstance(inner, list):
            inner = inner[0]
    inner[table[-1]] = value


def _take_away(document: dict[str, Any], table: tuple[str, ...]) -> None:
    inner = value_at(document, table[:-1]) if table[:-1] else document
    if isinstance(inner, dict):
        inner.pop(table[-1], None)


def _configured(question: Question, there: Configured) -> Answer | None:
    """The answer that a configuration holds."""
    folder, document = there
    if not document or not question.table:
        return None
    value = value_at(document, question.table)
    if value is None:
        unset = question.unset if value_at(document, question.table[:-1]) is not None else None
        return NONE if question.or_none else unset
    if question.brings is None:
        answer: Answer = value
        return answer
    return [str(folder / each) for each in value] if isinstance(value, list) else str(folder / value)


def _as_configured(question: Question, answer: Answer, place: Place) -> Answer:
    if question.brings is None:
        return answer
    if isinstance(answer, list):
        return [_installed(question, each, place) for each in answer]
    return _installed(question, str(answer), place)


def _installed(question: Question, answer: str, place: Place) -> str:
    """Where a file that was brought lies in the end, as the configuration names it."""
    source, target = place.path(answer), question.brings
    if target is None:
        raise AssertionError(f"{question.key} brings no file")
    values = value_at(place.present, question.table or ("keys", "pepper"))
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, str) and place.folder / value == source:
            return value
    if question.form is Form.LIST or source.parent == place.folder / target.parent:
        return str(target.parent / source.name)
    return str(target)
