"""What a start imports: a small Pi pays for each module in milliseconds and memory, every time."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kazasu.store.keys import generate_pepper, generate_signer, write_public

if TYPE_CHECKING:
    from pathlib import Path

LATER = {
    "asyncio",  # nobody needs it
    "csv",  # the roster's commands
    "difflib",  # a mistake in the configuration
    "importlib.metadata",
    "importlib.resources",  # a new database
    "kazasu.publishers.command_listener",  # the publisher's thread, with its first connection
    "kazasu.runtime.control_guests",  # the first order at this machine
    "kazasu.store.roster_making",  # a roster of the site's
    "paho",  # the publisher's thread, once the terminal is ready
    "ssl",
    "tempfile",
}

OF_SOME_TERMINALS = {
    "cryptography.x509",  # only where certificates are handled
    "gpiozero",  # outputs that are real pins
}

_SOME = (
    "access_level|areas?|attendance|calendar|codes?|commands?|day_card|display|doors?|holidays|keypads?|locks?|muster"
)
_SOME += "|orders?|passback|powers|pin|roster|screen|site|strike_limit|together|try_limit|whereabouts|wiring"
OF_A_TABLE = re.compile(rf"kazasu\.(?:\w+\.)*(?:{_SOME})(?:_\w+)?(?:\.\w+)*")
"""What is named after a table of the configuration that a plain terminal does not have, or after what goes with it."""

PLAIN = {
    "kazasu.app.attendance",
    "kazasu.app.keypads",  # sees that there is none
    "kazasu.app.site_roster",  # asks the roster in place for rules
    "kazasu.model.day_card",  # a roster of the site's may have a pool of them
    "kazasu.services.attendance",
    "kazasu.store.roster",
}
"""The ones of those names that a terminal for attendance needs, with its roster and nothing else."""

CONFIG = """
[terminal]
site = "demo"
id = "entrance-1"
state_dir = "{state}"
[[readers]]
name = "desk"
[cards]
kinds = ["felica"]
[services.attendance]
[outputs]
driver = "terminal"
[mqtt]
host = "broker.invalid"
ca = "ca.pem"
certificate = "client.pem"
key = "client.key"
[collector]
key = "collector.pub"
"""

_PROGRAM = """
import sys
before = set(sys.modules)
from contextlib import ExitStack
from pathlib import Path
from kazasu.cli.run import assemble, load
path = Path(sys.argv[1])
with ExitStack() as stack:
    assemble(load(path), path, stack)
    print(*sorted(set(sys.modules) - before))
"""


@pytest.fixture
def imported(tmp_path: Path) -> set[str]:
    """What a terminal imports in a process of its own, as far as its threads."""
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "keys").mkdir(mode=0o700)
    signer = generate_signer(tmp_path / "keys" / "event.key")
    generate_pepper(tmp_path / "keys" / "pepper.key")
    write_public(tmp_path / "collector.pub", signer)
    config = tmp_path / "kazasu.toml"
    config.write_text(CONFIG.format(state=tmp_path / "state"))
    done = subprocess.run([sys.executable, "-c", _PROGRAM, config], check=True, stdout=subprocess.PIPE, text=True)
    return set(done.stdout.split())


def test_a_plain_terminal_imports_nothing_that_only_others_or_later_moments_need(imported: set[str]) -> None:
    assert "kazasu.publishers.publisher" in imported
    assert not imported & (LATER | OF_SOME_TERMINALS)
    # All tables of the configuration are known everywhere: a mistake in any has to be told.
    of_tables = {name for name in imported if OF_A_TABLE.fullmatch(name)}
    assert of_tables == PLAIN
