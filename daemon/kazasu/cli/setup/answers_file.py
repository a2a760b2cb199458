"""A file of answers, for a terminal that is set up without anybody asking: TOML, one key a question."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec
import tomli

from kazasu.cli.setup.answers import default, fault
from kazasu.cli.setup.question import Form
from kazasu.cli.setup.questions import QUESTIONS
from kazasu.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from kazasu.cli.setup.place import Place
    from kazasu.cli.setup.question import Answer, Question


def load(path: Path, place: Place, settled: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """Read the answers to every question that is open; what the file leaves out is answered with its default.

    Args:
        path: the file.
        place: where the terminal is set up.
        settled: answers that a bundle brought along.

    Raises:
        ConfigurationError: everything that is wrong or missing, a line each, with what to put.
    """
    try:
        given = tomli.loads(path.read_bytes().decode())
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from error
    answers: dict[str, Any] = {}
    lines = [*_unknown(given), *_contradictions(given, settled)]
    given |= settled
    for question in QUESTIONS:
        if not question.asked(answers):
            continue
        answer, words = _given(question, given), ""
        if answer is not None:
            words = fault(question, answer, answers, place)
        elif (answer := default(question, answers, place)) is None:
            words = f"missing: {question.english}; put, say, {_line(question, question.example)}"
        if words:
            lines += [f"{question.key}: {line}" for line in words.splitlines()]
        else:
            answers[question.key] = answer
    if lines:
        raise ConfigurationError("\n".join(f"{path}: {line}" for line in lines))
    return answers


def template(place: Place) -> Iterator[str]:
    """Write a file of answers to be filled in, a line each; what is configured now stands in it."""
    yield "# Answers for `kazasu setup --answers FILE`. Relative paths begin in this file's folder."
    yield "# A line that begins with # shows the default; remove the # to change it."
    answers: dict[str, Any] = {}
    for question in QUESTIONS:
        answer = default(question, answers, place)
        yield ""
        yield f"# {question.english}"
        if answer is None:
            empty: Answer = [] if question.form is Form.LIST else ""
            yield f"{_line(question, empty)}  # needed, such as {_toml(question.example)}"
        else:
            answers[question.key] = answer
            configured = bool(place.present) and question.asked(answers)
            yield _line(question, answer) if configured else f"# {_line(question, answer)}"


def _line(question: Question, answer: Answer) -> str:
    return f"{question.key} = {_toml(answer)}"


def _toml(answer: Answer) -> str:
    """Write an answer as JSON, whose text, numbers and lists are TOML's."""
    return msgspec.json.encode(answer).decode()


def _given(question: Question, given: dict[str, Any]) -> Any:
    answer = given.get(question.key)
    if question.example and answer in ("", []):
        return None  # not filled in
    # One file need not stand in a list.
    return question.read(answer) if question.form is Form.LIST and isinstance(answer, str) else answer


def _contradictions(given: dict[str, Any], settled: Mapping[str, Any]) -> Iterator[str]:
    for key, answer in settled.items():
        if given.get(key, answer) != answer:
            yield f"{key}: the bundle says {_toml(answer)}; leave it out here"


def _unknown(given: dict[str, Any]) -> Iterator[str]:
    keys = [question.key for question in QUESTIONS]
    for key in given:
        if key not in keys:
            import difflib

            near = difflib.get_close_matches(key, keys, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(keys)}"
            yield f"{key}: unknown; {hint}"
