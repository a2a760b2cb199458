"""Draws the door's table for docs/doors.md.

`PYTHONPATH=daemon:tests python -m diagrams.door docs/doors.md` renews it there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kazasu.model.door_table import STATES, TABLE, Cell, Choice, DoorState, Impossible, Signal

BEGIN, END = "<!-- door table: drawn from model/door_table.py -->", "<!-- end of door table -->"

_NONE = "\N{EN DASH}"

# What each choice can come to, in the words of the arrow; the signal that leads to it has said the rest.
CHOICES = {
    Choice.LOCK: (
        ("unlock stands, nothing bars it", DoorState.PROPPED),
        ("open", DoorState.OPEN),
        ("else", DoorState.RELOCKING),
    ),
    Choice.REST: (
        ("somebody leaves", DoorState.EXITING),
        ("unlock stands, nothing bars it", DoorState.PROPPED),
        ("fault", DoorState.FAULT),
        ("lockdown", DoorState.LOCKED_DOWN),
        ("else", DoorState.LOCKED),
    ),
}


def mermaid() -> str:
    """The diagram; what leads from many states to one place is one arrow, and what changes nothing is none."""
    arrows = [f"{_node(left)} --> {_node(to)}: {', '.join(signals)}" for (left, to), signals in _arrows().items()] + [
        f"{choice.value}_choice --> {to.value}: {words}" for choice, ways in CHOICES.items() for words, to in ways
    ]
    props = {(state, signal) for (state, signal), cell in TABLE.items() if _leads(cell, Choice.PROP)}
    before = ", ".join(state.value for state in DoorState if any(left is state for left, _ in props))
    signals = ", ".join(signal.value for signal in Signal if any(each is signal for _, each in props))
    lines = [
        "direction TB",
        *(f"state {choice.value}_choice <<choice>>" for choice in CHOICES),
        'state "any state" as any',
        f'state "{before}" as several',
        "[*] --> starting",
        *arrows,
        f"several --> {DoorState.PROPPED.value}: {signals}, if unlock then stands and nothing bars it",
        f"any --> {DoorState.FIRE_RELEASE.value}: {Signal.FIRE.value}",
    ]
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in lines)])


def states() -> str:
    """What is on in each state."""
    lines = ["| State | Lock | Alarm | Recorded when it begins, and ends |", "|---|---|---|---|"]
    for state, shape in STATES.items():
        lock = "**released**" if shape.released else "locked"
        told = f"`{shape.begins.value}`, `{shape.ends.value}`" if shape.begins and shape.ends else _NONE
        lines.append(f"| `{state.value}` | {lock} | {shape.alarm.value if shape.alarm else _NONE} | {told} |")
    return "\n".join(lines)


def table() -> str:
    """Every state with every signal; what is impossible by a number, explained below."""
    reasons = list(Impossible)
    lines = ["| Signal | " + " | ".join(f"`{state.value}`" for state in DoorState) + " |"]
    lines.append("|---|" + "---|" * len(DoorState))
    for signal in Signal:
        cells = [_cell(state, signal, reasons) for state in DoorState]
        lines.append(f"| {signal.value} | " + " | ".join(cells) + " |")
    notes = [f"{number}. {reason.value}" for number, reason in enumerate(reasons, 1)]
    return "\n".join([*lines, "", "Impossible, because:", "", *notes])


def section() -> str:
    """All that stands between the marks of docs/doors.md."""
    return f"{BEGIN}\n```mermaid\n{mermaid()}\n```\n\n{states()}\n\n{table()}\n{END}"


def renewed(document: str) -> str:
    """The document with its section drawn anew.

    Raises:
        ValueError: it has no marks.
    """
    before, _, rest = document.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"the document lacks {BEGIN} or {END}")
    return before + section() + after


def _arrows() -> dict[tuple[DoorState, DoorState | Choice], list[str]]:
    arrows: dict[tuple[DoorState, DoorState | Choice], list[str]] = {}
    for (left, signal), cell in TABLE.items():
        if isinstance(cell, Impossible) or cell.to in (Choice.STAY, Choice.PROP) or signal is Signal.FIRE:
            continue
        arrows.setdefault((left, cell.to), []).append(signal.value)
    return arrows


def _leads(cell: Cell, to: Choice) -> bool:
    return not isinstance(cell, Impossible) and cell.to is to


def _node(place: DoorState | Choice) -> str:
    return place.value if isinstance(place, DoorState) else f"{place.value}_choice"


def _cell(state: DoorState, signal: Signal, reasons: list[Impossible]) -> str:
    cell = TABLE[state, signal]
    if isinstance(cell, Impossible):
        return f"({reasons.index(cell) + 1})"
    to = _NONE if cell.to is Choice.STAY else f"{'' if isinstance(cell.to, DoorState) else '→ '}{cell.to.value}"
    return "<br>".join([to, *(f"`{event.value}`" for event in cell.events)])


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
