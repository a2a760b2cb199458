"""What is wrong with a configuration, in words and with its place; everything at once."""

from __future__ import annotations

import re
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Union, get_args, get_origin

import msgspec

from kazasu.cards import registry
from kazasu.config.values import OWN_OF_CARDS, convert, named_kinds
from kazasu.model.configuration import Cards, Config
from kazasu.model.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\- ]+?)\s*\]")
_KEY = re.compile(r"""\s*["']?([\w.-]+)["']?\s*=""")

_PLAIN_WORDS = {
    "`object`": "a table",
    "`array`": "a list",
    "`str`": "text in quotation marks",
    "`int`": "a whole number",
    "`float`": "a number with a point",
    "`bool`": "true or false",
}
"""What msgspec calls by JSON's and Python's names."""

Place: TypeAlias = tuple[str | int, ...]
"""Where in the file: the names of the tables and the key; which one, from 0, in a list of tables."""


def problems(document: dict[str, Any]) -> list[tuple[Place, str]]:
    """Say what is wrong with a whole configuration; empty if it can be used."""
    return list(problems_of(document, Config))


def problems_of(value: Any, wanted: Any, keys: Place = ()) -> Iterator[tuple[Place, str]]:
    """Say what is wrong with a value that is TOML: where, and in words; nothing if it can be used.

    It is converted from the leaves up, so that one mistake hides no other; checks over several keys come last.

    Args:
        value: as TOML gives it.
        wanted: a class of model/configuration.py, or of a field there.
        keys: where it stands.
    """
    sound = True
    for problem in _problems_inside(value, _table_in(wanted), keys):
        sound = False
        yield problem
    if sound:
        try:
            convert(value, wanted, Path())
        except msgspec.ValidationError as error:
            yield keys, _words_of(error, value, wanted)


def _problems_inside(value: Any, table: type[Table] | None, keys: Place) -> Iterator[tuple[Place, str]]:
    if table is None:
        return
    if isinstance(value, list):
        for index, row in enumerate(value):
            yield from problems_of(row, table, (*keys, index))
    elif isinstance(value, dict):
        fields = _fields_of_cards(value) if table is Cards else _fields(table)
        # A kind that nobody has is told once, where `kinds` names it.
        told, known = (named_kinds(value), (*fields, *registry.names())) if table is Cards else ((), fields)
        for key in [key for key in value if key not in fields and key not in told]:
            yield (*keys, key), f"unknown; {_nearest(key, known)}"
        for name, (wanted, required) in fields.items():
            if name in value:
                yield from problems_of(value[name], wanted, (*keys, name))
            elif required:
                yield keys, _missing(name, _table_in(wanted), keys, optional_kind=table is Cards)
        if table is Cards:
            yield from _unknown_kinds(value)


def _missing(name: str, table: type[Table] | None, keys: Place, *, optional_kind: bool) -> str:
    if table is None:
        return f"the key {name} is missing"
    words = f"the table [{'.'.join(map(str, (*keys, name)))}] is missing"
    return f"{words}: it has {', '.join(_fields(table))}; or take {name} out of `kinds`" if optional_kind else words


def _fields(table: type[Table]) -> dict[str, tuple[Any, bool]]:
    """Type of each key of a table, and whether it has to be there."""
    return {field.encode_name: (field.type, field.required) for field in msgspec.structs.fields(table)}


def _fields_of_cards(cards: dict[str, Any]) -> dict[str, tuple[Any, bool]]:
    """The same for [cards]: each kind has a table of its own, which a kind with required keys needs."""
    fields = {name: field for name, field in _fields(Cards).items() if name in OWN_OF_CARDS}
    named = named_kinds(cards)
    for kind in {*named, *cards} - OWN_OF_CARDS:
        module = registry.module_of(kind)
        if module is not None:
            required = any(required for _, required in _fields(module.Settings).values())
            fields[kind] = (module.Settings, kind in named and required)
    return fields


def _unknown_kinds(cards: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    for kind in named_kinds(cards):
        if registry.module_of(kind) is None:
            yield ("cards", "kinds"), f"{kind!r} is no kind of card; {_nearest(kind, registry.names())}"


def _nearest(word: str, known: Iterable[str]) -> str:
    import difflib  # only a mistake needs it

    known = tuple(known)
    if not known:
        return "there is nothing to set here"
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"


def _table_in(wanted: Any) -> type[Table] | None:
    """Find the table in `Table`, `Table | None` or a tuple of them."""
    if isinstance(wanted, type) and issubclass(wanted, Table):
        return wanted
    return next(filter(None, map(_table_in, get_args(wanted))), None)


def _words_of(error: msgspec.ValidationError, value: object, wanted: Any) -> str:
    """Say what is wrong with a value, and what would be right."""
    for option in (wanted, *(get_args(wanted) if get_origin(wanted) in {Union, UnionType} else ())):
        for meta in getattr(option, "__metadata__", ()):
            if meta.description is not None:
                return f"{value!r:.80} is not {meta.description}"
    words, _, _ = str(error).partition(" - at `$")
    for name, plain in _PLAIN_WORDS.items():
        words = words.replace(name, plain)
    options = _options_in(wanted)
    return f"{words}; there are: {', '.join(map(str, options))}" if options else words


def _options_in(wanted: Any) -> tuple[str, ...]:
    if get_origin(wanted) is Literal:
        return get_args(wanted)
    return next(filter(None, map(_options_in, get_args(wanted))), ())


def located(path: Path, text: str, keys: Place, what: str) -> str:
    """A problem as it is told: file, line, key, words."""
    line = _line_of(text, keys)
    place = f"{path}:{line}" if line else str(path)
    name = ".".join(key for key in keys if isinstance(key, str))
    return f"{place}: {name}: {what}" if name else f"{place}: {what}"


def _line_of(text: str, keys: Place) -> int | None:
    """Find the line of a key, or of the nearest thing around it, the way people write TOML (decision 0004)."""
    table: Place = ()
    rows: dict[Place, int] = {}
    found, best = None, 0
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.match(line):
            here = table = tuple(match[2].replace(" ", "").split("."))
            if match[1] == "[[":
                rows[table] = rows.get(table, -1) + 1
                here = table = (*table, rows[table])
        elif match := _KEY.match(line):
            here = (*table, *match[1].split("."))
        else:
            continue
        if here[:-1] == keys and isinstance(here[-1], int):
            here = keys  # the list itself: its first row will do
        if here == keys[: len(here)] and len(here) > best:
            best, found = len(here), number
    return found
