"""Cues as data: read a cues.toml, and refuse what a person could not tell apart or should not be shown."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import tomli

from kazasu.errors import ConfigurationError
from kazasu.model.cue import OF_DOORS, OF_THE_DESK, OF_THE_KEYPAD, Channel, Cue, CueName, Frame
from kazasu.outputs.rhythm import LIGHTS, SOUND, flashes_per_second, rhythm, told_apart

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DEFAULT_PATH = Path(__file__).with_name("cues.toml")

_MAX_FILE_BYTES = 65_536
_MAX_FRAMES = 64
_MAX_FRAME_MS = 60_000
_MAX_CUE_MS = 60_000
_MAX_FLASHES_PER_SECOND = 3

_ALLOWED = MappingProxyType(
    {
        Channel.GREEN: frozenset({CueName.GRANTED, CueName.ALREADY_DONE}),  # green is the receipt (rule 1)
        Channel.RELAY: frozenset({CueName.GRANTED}),
    }
)


def load(path: Path = DEFAULT_PATH) -> Mapping[CueName, Cue]:
    """Read every cue.

    Args:
        path: a cues.toml; Kazasu's own if none is given.

    Raises:
        ConfigurationError: with the file, the cue and the frame, counted from 1.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    return parse(content, str(path))


def parse(content: bytes, source: str) -> Mapping[CueName, Cue]:
    """Read every cue from a file's content; `source` names the file in errors.

    Raises:
        ConfigurationError: with the file, the cue and the frame, counted from 1.
    """
    if len(content) > _MAX_FILE_BYTES:
        raise ConfigurationError(f"{source}: larger than {_MAX_FILE_BYTES} bytes: this is no file of cues")
    try:
        document = tomli.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{source}: not TOML: {error}") from error
    _refuse_unknown(document, list(CueName), "cue", source)
    missing = [name for name in CueName if name.value not in document]
    words = ", ".join(name.value for name in missing if name not in OF_THE_KEYPAD | OF_DOORS | OF_THE_DESK)
    if words:
        raise ConfigurationError(f"{source}: missing: {words}; every cue has to be there")
    if missing:
        # A site's own file from the time before there were keypads, doors or commands goes on to work.
        own = tomli.loads(DEFAULT_PATH.read_text(encoding="utf-8"))
        document |= {name.value: own[name.value] for name in missing}
    cues = {name: _cue(name, document[name.value], f"{source}: {name.value}") for name in CueName}
    _refuse_alike(cues, source)
    return MappingProxyType(cues)


def _cue(name: CueName, table: object, where: str) -> Cue:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where}: has to be a table: [{name.value}]")
    _refuse_unknown(table, ["frames", "repeat"], "key", where)
    frames = table.get("frames")
    if not isinstance(frames, list) or not 1 <= len(frames) <= _MAX_FRAMES:
        raise ConfigurationError(f"{where}: frames has to be a list of 1 to {_MAX_FRAMES} frames")
    repeat = table.get("repeat", False)
    if not isinstance(repeat, bool):
        raise ConfigurationError(f"{where}: repeat has to be true or false, not {repeat!r}")
    cue = Cue(
        name=name,
        frames=tuple(_frame(name, frame, f"{where}: frame {number}") for number, frame in enumerate(frames, 1)),
        repeat=repeat,
    )
    if sum(frame.ms for frame in cue.frames) > _MAX_CUE_MS:
        raise ConfigurationError(f"{where}: longer than {_MAX_CUE_MS} ms in all")
    if flashes_per_second(cue) > _MAX_FLASHES_PER_SECOND:
        raise ConfigurationError(
            f"{where}: flashes {flashes_per_second(cue)} times within a second; more than {_MAX_FLASHES_PER_SECOND} "
            "can cause a seizure (WCAG 2.2, 2.3.1): make the frames longer"
        )
    return cue


def _frame(name: CueName, table: object, where: str) -> Frame:
    if not isinstance(table, dict):
        raise ConfigurationError(f'{where}: has to look like {{ ms = 100, on = ["red"] }}')
    _refuse_unknown(table, ["ms", "on"], "key", where)
    ms, on = table.get("ms"), table.get("on")
    if type(ms) is not int or not 1 <= ms <= _MAX_FRAME_MS:
        raise ConfigurationError(f"{where}: ms has to be a whole number from 1 to {_MAX_FRAME_MS}, not {ms!r}")
    if not isinstance(on, list) or not all(isinstance(word, str) for word in on):
        raise ConfigurationError(f"{where}: on has to be a list of channels, [] for none")
    _refuse_unknown(on, list(Channel), "channel", where)
    channels = frozenset(map(Channel, on))
    for channel in channels:
        allowed = _ALLOWED.get(channel)
        if allowed is not None and name not in allowed:
            words = " and ".join(sorted(allowed))
            raise ConfigurationError(f"{where}: {channel.value} may be on in {words} only")
    return Frame(ms=ms, on=channels)


def _refuse_unknown(words: Collection[str], known: list[str], what: str, where: str) -> None:
    for word in words:
        if word not in known:
            import difflib

            near = difflib.get_close_matches(word, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
            raise ConfigurationError(f"{where}: no {what} is called {word!r}; {hint}")


def _refuse_alike(cues: Mapping[CueName, Cue], source: str) -> None:
    """Every two cues differ in the rhythm of their light, and in that of their sound: neither needs the other."""
    played = [(cue, cue.repeat) for cue in cues.values()]
    played += [(cues[name], True) for name in (CueName.FAULT, CueName.PIN, *OF_DOORS)]  # at rest they repeat
    for channels, verb in ((LIGHTS, "look alike without colour"), (SOUND, "sound alike")):
        rhythms = [(cue.name, rhythm(cue, channels, repeat=repeat)) for cue, repeat in played]
        for (one, its), (other, others) in itertools.combinations(rhythms, 2):
            if one is not other and not told_apart(its, others):
                raise ConfigurationError(
                    f"{source}: {one.value} and {other.value} {verb}: let them differ in their number of pulses, or "
                    "in one length by half of it and at least 80 ms"
                )
