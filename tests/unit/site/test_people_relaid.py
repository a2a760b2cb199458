"""people.csv under another layer: other credentials, and not one other byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kazasu.errors import RosterError
from kazasu.model.pepper import Pepper
from kazasu.site.layers import Lift
from kazasu.site.people_relaid import people_relaid

if TYPE_CHECKING:
    from pathlib import Path

PEPPER = Pepper([b"1" * 32, b"2" * 32])
LIFT = Lift(PEPPER, *PEPPER.ids)
HEADER = "cardholder,name,credential,min_assurance,valid_from,valid_until"
CARD = "0123456789abcdef" * 2
LAID = PEPPER.forms(CARD)[1]


def relaid(folder: Path, content: bytes) -> bytes:
    path, new = folder / "people.csv", folder / "new.csv"
    path.write_bytes(content)
    path.chmod(0o640)
    people_relaid(path, new, LIFT)
    assert new.stat().st_mode & 0o777 == 0o640
    return new.read_bytes()


@pytest.mark.parametrize(
    "line",
    [
        f"1,花子,{CARD},serial,2026-04-01,",
        f'1,"Doe, Jane ""J""",{CARD},serial,,',
        f'1,Jane,"{CARD}",serial,,',
        f"1,Jane,  {CARD} ,serial,,",
        "1,Jane,,,,",
        ",,,,,",
        "",
        f"1,Jane,{CARD},serial,,\r",
    ],
)
def test_all_but_the_credential_stays_byte_for_byte(tmp_path: Path, line: str) -> None:
    for begin, end in (("", "\n"), ("\ufeff", "\r\n"), ("", "")):
        content = f"{begin}{HEADER}{end or chr(10)}{line}{end}"
        assert relaid(tmp_path, content.encode()) == content.replace(CARD, LAID).encode()


def test_an_upper_case_credential_is_the_same_card(tmp_path: Path) -> None:
    content = f"{HEADER}\n1,Jane,{CARD.upper()},serial,,\n"
    assert relaid(tmp_path, content.encode()) == content.replace(CARD.upper(), LAID).encode()


def test_columns_are_where_the_header_says(tmp_path: Path) -> None:
    content = f"credential,levels,cardholder,name,min_assurance,valid_from,valid_until\n{CARD},it,1,{CARD},serial,,\n"
    assert relaid(tmp_path, content.encode()) == content.replace(CARD, LAID, 1).encode()


@pytest.mark.parametrize(
    "line", ["1,Jane,xyz,serial,,", "1,Jane", f'1,"Jane,{CARD},serial,,', f"1,Jane,{CARD}0,serial,,"]
)
def test_a_line_that_is_not_sure_is_named_and_nothing_written(tmp_path: Path, line: str) -> None:
    with pytest.raises(RosterError, match=r"nothing was changed.*\nline 2: "):
        relaid(tmp_path, f"{HEADER}\n{line}\n".encode())
    assert not (tmp_path / "new.csv").exists()
