from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from diagrams.door import BEGIN, CHOICES, mermaid, renewed
from kazasu.model.door_input import DoorFault, LockdownChanged, RexKind, Unlocker
from kazasu.model.door_standing import Standing
from kazasu.model.door_table import Choice, DoorState, Impossible

DOCUMENT = Path(__file__).parents[3] / "docs/doors.md"


def test_the_document_shows_the_table_as_it_is() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert renewed(text) == text, "PYTHONPATH=daemon:tests python -m diagrams.door docs/doors.md renews it"


def test_the_diagram_names_every_state_and_reaches_each() -> None:
    arrows = re.findall(r"(\S+) --> (\w+)", mermaid())
    reached = {to for _, to in arrows}
    assert {state.value for state in DoorState} <= reached
    assert reached <= {state.value for state in DoorState} | {f"{choice.value}_choice" for choice in Choice}


@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_is_drawn_as_it_is_made(choice: Choice) -> None:
    for unlock, is_open, leaves, excused, fault, lockdown in itertools.product((False, True), repeat=6):
        stands = Standing()
        stands.take(LockdownChanged(lockdown), starting=False)
        stands.unlockers = frozenset({Unlocker.OPERATOR} if unlock else ())
        stands.leaving = frozenset({RexKind.BUTTON} if leaves else ())
        stands.faults = frozenset({DoorFault.LOCK} if fault else ())
        stands.open = is_open
        holds = {
            "somebody leaves": leaves or excused,
            "unlock stands, nothing bars it": unlock and not fault and not lockdown,
            "open": is_open,
            "fault": fault,
            "lockdown": lockdown,
            "else": True,
        }
        assert stands.chosen(choice, excused=excused) is next(to for words, to in CHOICES[choice] if holds[words])


def test_every_reason_why_something_is_impossible_is_explained() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert all(reason.value in text for reason in Impossible)


def test_a_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        renewed("# Doors\n")
    with pytest.raises(ValueError, match="lacks"):
        renewed(f"# Doors\n{BEGIN}\n")
