from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.codes import kept, pseudonym
from fakes.roster_rig import RosterRig
from kazasu.errors import RosterError
from kazasu.site.codes import give_code, read_codes, take_code
from kazasu.store.roster import Roster
from kazasu.store.roster_file import CodeTaken

if TYPE_CHECKING:
    from pathlib import Path

CODE, OTHER = pseudonym("482913"), pseudonym("771204")
PIN = kept("482913", "5170", "8026")


def test_a_code_is_kept_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    assert read_codes(path) == {}
    give_code(path, "1002", CODE, PIN)
    give_code(path, "1001", OTHER, kept("771204", "9301"))
    assert read_codes(path) == {"1001": (OTHER, kept("771204", "9301")), "1002": (CODE, PIN)}
    assert path.stat().st_mode & 0o777 == 0o600

    with pytest.raises(CodeTaken):
        give_code(path, "1003", CODE, PIN)
    take_code(path, "1002")
    assert list(read_codes(path)) == ["1001"]
    with pytest.raises(RosterError, match="1002 has no code"):
        take_code(path, "1002")


@pytest.mark.parametrize("line", ["1001", f"1001,{CODE},00,11,", "x" * 5000])
def test_a_file_that_was_changed_by_hand_is_said(tmp_path: Path, line: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(f"cardholder,code,salt,digest,duress_digest\n{line}\n")
    with pytest.raises(RosterError, match="line 2: not as"):
        read_codes(path)


@pytest.mark.rule(8)
def test_codes_come_to_the_terminal_with_the_roster_and_end_with_it(tmp_path: Path) -> None:
    rig = RosterRig(tmp_path)
    rig.desk.staff(1, 2)
    give_code(rig.desk.folder / "codes.csv", "2", CODE, PIN)
    give_code(rig.desk.folder / "codes.csv", "7", OTHER, kept("771204", "9301"))
    with rig.desk.desk.drafted(rig.desk.now, lambda _: None) as draft:
        assert (draft.codes, draft.codes_left_out) == (1, ("7",))
    rig.desk.publish()
    rig.settle()
    roster = Roster(rig.roster_path)
    found = roster.code_of(CODE)
    assert found is not None
    assert (found.cardholder.number, found.kept) == ("2", PIN)
    assert roster.code_of(OTHER) is None
    assert rig.desk.desk.text.credentials_of("2") == [rig.desk.card(2), CODE]

    take_code(rig.desk.folder / "codes.csv", "2")
    rig.desk.publish()
    rig.hear(*rig.manifest())
    assert roster.code_of(CODE) is None


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_bytes(b"cardholder,code,salt,digest,duress_digest\n\xff\n")
    with pytest.raises(RosterError, match="not as `kazasu site set-code` writes it"):
        read_codes(tmp_path / "codes.csv")
