"""What the doctor and check-config say of the roll call, and that an operations desk's file is as the docs have it."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from kazasu.cli.check_config import _sentences
from kazasu.cli.checks import _muster_keys
from kazasu.cli.finding import Grade
from kazasu.config import load_table, parse
from kazasu.model.configuration_desk import Desk
from kazasu.store.keys import generate_signer, write_public

ROOT = Path(__file__).parents[3]
CONFIGURATION = """
[terminal]
site = "town-hall"
id = "entrance-1"
[[readers]]
name = "desk"
[[readers]]
name = "meeting"
[cards]
kinds = ["felica"]
[services.attendance]
[services.muster]
readers = ["meeting"]
fire = true
[outputs]
driver = "terminal"
[mqtt]
host = "broker"
ca = "ca.pem"
certificate = "client.pem"
key = "client.key"
[collector]
present = false
"""
OTHERS = '[muster]\nterminals = { gate-2 = "gate-2.pem", gate-3 = "gate-3.pem" }\n'


def said(more: str) -> list[str]:
    return list(_sentences(parse((CONFIGURATION + more).encode(), Path("/etc/kazasu/kazasu.toml"))))


def test_check_config_says_where_the_meeting_point_is_and_whom_the_list_needs() -> None:
    sentences = said(OTHERS)
    assert (
        "Meeting point: reader meeting; a muster begins by `kazasu muster begin` or the fire input of a door."
        in sentences
    )
    assert "The roll call is incomplete without: gate-2, gate-3." in sentences
    assert "The roll call knows no other terminal: there is no [muster]." in said("")


def test_the_doctor_looks_at_each_key(tmp_path: Path) -> None:
    signer = generate_signer(tmp_path / "event.key")
    write_public(tmp_path / "gate-2.pem", signer)
    found, missing = _muster_keys(parse((CONFIGURATION + OTHERS).encode(), tmp_path / "kazasu.toml"))
    assert (found.grade, found.found) == (Grade.OK, f"terminal gate-2: key id {signer.keyid}")
    assert missing.grade is Grade.PROBLEM
    assert "gate-3.pem is missing" in missing.found
    assert missing.todo.endswith("event.pub.pem of gate-3 there")


def test_the_file_of_a_desk_is_as_the_docs_show_it(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"--desk desk\.toml` with\n\n((?:    .*\n|\n)+)", text)
    (tmp_path / "desk.toml").write_text(textwrap.dedent(block))
    desk = load_table(tmp_path / "desk.toml", Desk, lambda _: ())
    assert desk.roster == tmp_path / "roster.db"
    assert desk.muster.terminals["park"] == tmp_path / "park.pem"
