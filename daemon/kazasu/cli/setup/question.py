"""What a question is: how it is asked, what an answer looks like, and where its value stands in the configuration.

An answer has the type that it has in a file of answers (TOML), typed or not, and is named by the same key.
"""

from __future__ import annotations

import enum
import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from kazasu.cli.setup.files import PUBLIC
from kazasu.errors import KazasuError

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.cli.setup.place import Place

NONE = "none"
"""The answer where there is no relay, broker or collector."""

Answer: TypeAlias = str | int | bool | list[str]
Answers: TypeAlias = Mapping[str, Any]


class Form(enum.Enum):
    """What an answer looks like."""

    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes or no"
    LIST = "list"

    def read(self, typed: str) -> Answer:
        """See Question.read."""
        match self:
            case Form.NUMBER if typed.isascii() and typed.isdecimal():
                return int(typed)
            case Form.YES_NO if typed.lower() in _YES_NO:
                return _YES_NO[typed.lower()]
            case Form.LIST:
                try:
                    return shlex.split(typed.replace(",", " "))
                except ValueError:  # a quotation mark that does not end
                    return typed.split()
            case _:
                return typed


_YES_NO = {"y": True, "yes": True, "はい": True, "true": True, "n": False, "no": False, "いいえ": False, "false": False}


class Question(NamedTuple):
    """One question.

    Attributes:
        key: its name in a file of answers.
        english: how it is asked.
        japanese: the same.
        form: what an answer looks like.
        table: where its value stands in the configuration: the tables, and the key.
        example: an answer, where there is no default.
        asked: whether these answers leave it open.
        default: the answer if nothing is typed; None if there has to be one.
        check: what is wrong with an answer that the configuration cannot know of; raises KazasuError.
        brings: where a file that the answer names is copied to; its own name is kept in a list.
        mode: the copy's.
        options: the only answers, if they are few; typed, their beginnings will do.
        or_none: whether `none` is an answer.
        unset: what the configuration means where it has the table, but not the key; None if that is `default`'s.
        shared: whether the terminals of a Pi mostly have the same answer.
        silent: not asked of a person; a file of answers may hold it.
    """

    key: str
    english: str
    japanese: str
    form: Form = Form.TEXT
    table: tuple[str, ...] = ()
    example: Answer = ""
    asked: Callable[[Answers], bool] = lambda _: True
    default: Callable[[Answers, Place], Answer | None] = lambda _answers, _place: None
    check: Callable[[Any, Answers, Place], None] = lambda _answer, _answers, _place: None
    brings: Path | None = None
    mode: int = PUBLIC
    options: tuple[str, ...] = ()
    or_none: bool = False
    unset: Answer | None = None
    shared: bool = False
    silent: bool = False

    def read(self, typed: str) -> Answer:
        """Make an answer of what was typed; what does not look like one stays text, which its check then names."""
        if self.or_none and typed.lower() == NONE:
            return NONE
        begun = [option for option in self.options if option.startswith(typed.lower())]
        return begun[0] if len(begun) == 1 else self.form.read(typed)


class Wrong(KazasuError):
    """An answer that cannot be taken, in words."""


def always(answer: Answer) -> Callable[[Answers, Place], Answer | None]:
    """A default that nothing changes."""
    return lambda _answers, _place: answer
