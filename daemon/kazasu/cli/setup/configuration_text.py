"""A configuration as a file that a person can maintain: the commented example, with values put in their places."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import tomli

from kazasu.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXAMPLE_PATH = Path(__file__).with_name("kazasu.toml")

_NOTE = """\
#
# Made by `kazasu setup`, which may be run again: it keeps what it does not ask about, but no comments of yours; the
# file before stays beside this one as kazasu.toml.old."""
_HEADER = re.compile(r"(?P<off># )?(?P<code>(?P<open>\[\[?)(?P<name>[\w.]+)\]\]?)(?P<comment>\s+# .*)?")
_KEY = re.compile(r"(?P<off># )?(?P<code>(?P<key>\w+) = .*?)(?P<comment>\s+# .*)?")


class _Block(NamedTuple):
    """A table of the example: its header, and the lines up to the next one."""

    header: re.Match[str]
    lines: list[str]

    @property
    def table(self) -> str:
        return self.header["name"]

    @property
    def repeated(self) -> bool:
        return self.header["open"] == "[["


def write(document: Mapping[str, Any]) -> str:
    """Write a configuration out.

    Args:
        document: as tomli reads it, and without a mistake in it.

    Raises:
        ConfigurationError: something in it has no place in the example, and would be lost.
    """
    first, blocks = _parts(EXAMPLE_PATH.read_text(encoding="utf-8"))
    tables = frozenset(block.table for block in blocks)
    lines = [first[0], _NOTE, *first[1:]]
    for block in blocks:
        lines += _filled(block, document, tables)
    text = "\n".join(lines).rstrip("\n") + "\n"
    # Values are written as JSON, whose text, numbers and lists are TOML's; what was written is read back to be sure.
    if _without_empty(tomli.loads(text)) != _without_empty(document):
        raise ConfigurationError("the configuration has a key that `kazasu setup` cannot keep; nothing was changed")
    return text


def _parts(example: str) -> tuple[list[str], list[_Block]]:
    first: list[str] = []
    blocks: list[_Block] = []
    for line in example.splitlines():
        if header := _HEADER.fullmatch(line):
            blocks.append(_Block(header, []))
        else:
            (blocks[-1].lines if blocks else first).append(line)
    return first, blocks


def _filled(block: _Block, document: Mapping[str, Any], tables: frozenset[str]) -> Iterator[str]:
    found: Any = document
    for name in block.table.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    matches = [(line, _KEY.fullmatch(line)) for line in block.lines]
    needed = any(match is not None and not match["off"] for _, match in matches)
    if found is None and (needed or block.header["off"]):
        # An optional table that is not there: all of it stays as a comment.
        yield _aligned(block.header, f"# {block.header['code']}")
        yield from (line if match is None else _aligned(match, f"# {match['code']}") for line, match in matches)
        return
    for row in found if block.repeated else [found or {}]:
        yield _aligned(block.header, block.header["code"])
        values = {key: value for key, value in row.items() if f"{block.table}.{key}" not in tables}
        for line, match in matches:
            if match is None:
                yield line
            elif match["key"] in values:
                yield _aligned(match, f"{match['key']} = {_value(values[match['key']])}")
            else:
                yield _aligned(match, f"# {match['code']}")


def _aligned(match: re.Match[str], code: str) -> str:
    """Put another code before a line's comment, which stays in its column if there is room."""
    if not match["comment"]:
        return code
    comment = match["comment"].lstrip()
    column = len(match[0]) - len(comment)
    return f"{code:<{column - 1}} {comment}" if len(code) < column else f"{code}   {comment}"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")  # the one character that only TOML escapes


def _without_empty(value: Any) -> Any:
    """Leave out tables with nothing in them: they say nothing, and the example has some."""
    if isinstance(value, dict):
        inner = {key: _without_empty(each) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each != {}}
    return [_without_empty(each) for each in value] if isinstance(value, list) else value
