"""Questions asked of a person at a keyboard, one after the other; each answer is checked before the next."""

from __future__ import annotations

import shlex
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from kazasu.cli.setup.answers import default, fault
from kazasu.cli.setup.questions import QUESTIONS
from kazasu.cli.setup.reader_pattern import propose
from kazasu.errors import KazasuError, ReaderUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.cli.setup.place import Place
    from kazasu.cli.setup.question import Answer, Question

BACK = "<"
AGAIN = "?"

_YES = ("y", "yes", "はい")
_NO = ("n", "no", "いいえ")

_SILENT = frozenset(question.key for question in QUESTIONS if question.silent)


class Dialogue(Protocol):
    """A person, or a test."""

    def tell(self, line: str) -> None:
        """Show a line."""
        ...

    def ask(self, prompt: str) -> str:
        """Show a prompt and wait for a line, which comes without its end.

        Raises:
            EOFError: nobody is there any more.
        """
        ...


class Interview:
    """Asks, in English and, where Japanese is read, in both languages.

    Args:
        dialogue: with whom.
        japanese: whether Japanese is read here.
        given: answers that a bundle brought along; nobody is asked for them.
    """

    def __init__(self, dialogue: Dialogue, *, japanese: bool, given: Mapping[str, Any] = MappingProxyType({})) -> None:
        self._given = given
        self._dialogue = dialogue
        self._japanese = japanese
        self._taken_back: dict[str, Any] = {}

    def tell(self, english: str, japanese: str = "") -> None:
        """Say something."""
        self._dialogue.tell(english)
        if self._japanese and japanese:
            self._dialogue.tell(japanese)

    def agree(self, english: str, japanese: str) -> bool:
        """Ask for yes or no; [Enter] is yes."""
        return self.choose(english, japanese, "[Y/n]", {"y": _YES, "n": _NO}) == "y"

    def choose(self, english: str, japanese: str, prompt: str, words: dict[str, tuple[str, ...]]) -> str:
        """Ask for one of a few words; [Enter] is the first.

        Args:
            english: the question.
            japanese: the same.
            prompt: shows the words.
            words: what may be typed for each answer.
        """
        self.tell(english, japanese)
        while True:
            typed = self._dialogue.ask(f"  {prompt} ").strip().lower()
            if not typed:
                return next(iter(words))
            for answer, accepted in words.items():
                if typed in accepted:
                    return answer

    def explain(self) -> None:
        """Say what can be typed everywhere."""
        self.tell(
            f"[Enter] takes what stands in brackets, {BACK} goes back, Ctrl-C ends without a change.",
            f"[Enter] でかっこ内の値、{BACK} で一つ前に戻り、Ctrl-C で何も変えずに終わります。",
        )

    def ask_all(self, place: Place, answers: dict[str, Any]) -> None:
        """Ask every question that is open, and take its answer down in `answers`.

        Raises:
            EOFError: nobody is there any more.
            KazasuError: what the bundle says cannot be here.
        """
        while question := next((each for each in QUESTIONS if each.key not in answers and each.asked(answers)), None):
            answer = self._settled(question, answers, place)
            if answer is None:
                answer = self._ask(question, answers, place)
            if answer is None:
                self.go_back(answers)
            else:
                answers[question.key] = answer

    def go_back(self, answers: dict[str, Any]) -> None:
        """Take back the last answer, and those after it that nobody was asked for; it is offered again."""
        while answers:
            key, answer = answers.popitem()
            self._taken_back[key] = answer
            if key not in _SILENT and key not in self._given:
                return

    def _settled(self, question: Question, answers: dict[str, Any], place: Place) -> Answer | None:
        """The answer to a question that nobody is asked."""
        if question.key not in self._given:
            return default(question, answers, place) if question.silent else None
        answer: Answer = self._given[question.key]
        if words := fault(question, answer, answers, place):
            raise KazasuError(f"{question.key}, which the bundle says is {shown(answer)}: {words}")
        return answer

    def _ask(self, question: Question, answers: dict[str, Any], place: Place) -> Answer | None:
        """Ask until there is an answer that can be taken; None goes back."""
        self.tell("")
        self.tell(question.english, question.japanese)
        while True:
            choices = self._readers(place) if question.key == "reader" else {}
            proposed = self._taken_back.get(question.key)
            if proposed is None or fault(question, proposed, answers, place):
                proposed = default(question, answers, place)
            typed = self._dialogue.ask("  > " if proposed is None else f"  [{shown(proposed)}] > ").strip()
            if typed == BACK:
                return None
            if typed == AGAIN and question.key == "reader":
                continue
            if not typed:
                if proposed is not None:
                    return proposed
                self.tell(f"  an answer is needed, such as {shown(question.example)}", "  入力が必要です")
                continue
            answer = question.read(choices.get(typed, typed))
            words = fault(question, answer, answers, place)
            if not words:
                return answer
            for line in words.splitlines():
                self.tell(f"  {line}")

    def _readers(self, place: Place) -> dict[str, str]:
        """Show the readers that are there; returns their patterns by number."""
        patterns = {}
        try:
            names = place.list_readers()
        except ReaderUnavailable as error:
            self.tell(f"  {error}")
            names = []
        for number, (name, pattern) in enumerate(propose(names).items(), 1):
            patterns[str(number)] = pattern
            self.tell(f"  {number}  {name}")
        if patterns:
            self.tell(f"  a number or a pattern; {AGAIN} looks again", f"  番号か名前を入力。{AGAIN} で再検索")
        else:
            self.tell(f"  none is there now: plug it in and type {AGAIN}", f"  見つかりません。接続して {AGAIN} を入力")
        return patterns


def shown(answer: Answer) -> str:
    """An answer as it would be typed."""
    if isinstance(answer, bool):
        return "yes" if answer else "no"
    return shlex.join(answer) if isinstance(answer, list) else str(answer)
