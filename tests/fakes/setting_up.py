"""An installer who answers every question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kazasu.cli.setup.answers import default, fault
from kazasu.cli.setup.questions import QUESTIONS

if TYPE_CHECKING:
    from kazasu.cli.setup.place import Place


def answered(place: Place, **given: Any) -> dict[str, Any]:
    """Answer everything: as given, else by default; nothing of it may be wrong."""
    answers: dict[str, Any] = {}
    for question in QUESTIONS:
        if question.asked(answers):
            answer = given.get(question.key, default(question, answers, place))
            assert answer is not None, question.key
            assert fault(question, answer, answers, place) == "", question.key
            answers[question.key] = answer
    return answers
