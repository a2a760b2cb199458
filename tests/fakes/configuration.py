"""Configurations that tests begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Each key on a line of its own, so that a test can name the line it expects.
SMALLEST = """\
[terminal]
site = "town-hall"
id = "entrance-1"

[[readers]]
name = "desk"

[cards]
kinds = ["felica"]

[services.attendance]

[outputs]
driver = "terminal"

[collector]
present = false
"""
"""A terminal that has nothing but what it must have."""

HALL = """
[services.door]

[[doors]]
name = "hall"
readers = ["desk"]
release = "1s"
"""
"""The door of a stage's terminal."""

STAFF = """
[[levels]]
name = "staff"
doors = ["hall"]
"""
"""Who may pass it at any time."""


def smallest_with_state(folder: Path) -> str:
    """The smallest, which keeps its state in a folder."""
    return SMALLEST.replace("[terminal]\n", f'[terminal]\nstate_dir = "{folder}"\n')
