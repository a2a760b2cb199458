from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kazasu.errors import ConfigurationError, RosterError
from kazasu.site.personnel import import_people

if TYPE_CHECKING:
    from pathlib import Path

MAPPING = """\
encoding = "shift_jis"
always = "staff"

[columns]
cardholder = "職員番号"
name = ["姓", "名"]
level = "所属"

[levels]
"情報政策課" = "it server-room"
"総務課" = ""
"""
EXPORT = "職員番号,姓,名,所属,性別\n1001,山田,花子,情報政策課,女\n1002,佐藤,健,総務課,男\n"
PEOPLE = (
    "cardholder,name,credential,min_assurance,valid_from,valid_until,levels\n"
    f"1001,山田 花,{'a' * 32},signed_data,2026-04-01,,staff\n"
    f"1001,山田 花,{'b' * 32},serial,,,staff\n"
    f"0999,前田,{'c' * 32},serial,,,staff\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mapping.toml").write_text(MAPPING)
    (tmp_path / "export.csv").write_bytes(EXPORT.encode("cp932"))
    (tmp_path / "people.csv").write_text(PEOPLE)
    return tmp_path


def imported(folder: Path, pool: str | None = None) -> tuple[int, int, int, int]:
    return import_people(folder / "export.csv", folder / "mapping.toml", folder / "people.csv", pool)


def test_people_come_from_the_export_and_their_cards_from_before(folder: Path) -> None:
    assert imported(folder) == (2, 1, 1, 1)
    assert (folder / "people.csv").read_text().splitlines()[1:] == [
        f"1001,山田 花子,{'a' * 32},signed_data,2026-04-01,,it server-room staff",
        f"1001,山田 花子,{'b' * 32},serial,,,it server-room staff",
        "1002,佐藤 健,,,,,staff",
    ]


def test_who_may_read_it_stays_as_it_was(folder: Path) -> None:
    (folder / "people.csv").chmod(0o600)
    imported(folder)
    assert (folder / "people.csv").stat().st_mode & 0o777 == 0o600


def test_the_first_import_has_nobody_before_it(folder: Path) -> None:
    (folder / "people.csv").unlink()
    assert imported(folder) == (2, 2, 0, 2)


def test_day_cards_stay_though_no_export_has_them(folder: Path) -> None:
    card = f"day-07,臨時 07,{'d' * 32},serial,,,visitor"
    (folder / "people.csv").write_text(f"{PEOPLE}{card}\n")
    assert imported(folder, "day-*") == (2, 1, 1, 1)
    assert (folder / "people.csv").read_text().splitlines()[-1] == card
    with pytest.raises(RosterError, match=r"line 2: 1001 is like 1\*, which site\.toml says of day cards"):
        imported(folder, "1*")
    assert imported(folder) == (2, 0, 1, 1), "a site without day cards has none that could stay"


@pytest.mark.parametrize(
    ("export", "words"),
    [
        ("職員番号,姓,所属\n1,A,総務課\n", "there is no column 名; there are: 職員番号, 姓, 所属"),
        ("職員番号,姓,名,所属\n123456789012,A,B,総務課\n", "line 2: cardholder: twelve digits look like a My Number"),
        ("職員番号,姓,名,所属\n1,A,B,財政課\n", "line 2: 所属: '財政課' is not in"),
        ("職員番号,姓,名,所属\n1,A,B,総務課\n1,A,C,総務課\n", "line 3: 1 stands in a line before already"),
        ("職員番号,姓,名,所属\n1\n", "line 2: name: must not be empty"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changed(folder: Path, export: str, words: str) -> None:
    (folder / "export.csv").write_bytes(export.encode("cp932"))
    with pytest.raises(RosterError, match=words):
        imported(folder)
    assert (folder / "people.csv").read_text() == PEOPLE


def test_another_encoding_is_said(folder: Path) -> None:
    (folder / "mapping.toml").write_text(MAPPING.replace("shift_jis", "utf-8"))
    with pytest.raises(RosterError, match="is utf-8 or shift_jis"):
        imported(folder)


@pytest.mark.parametrize(
    ("line", "other", "words"),
    [
        ('always = "staff"', 'always = "Staff!"', "always: levels: 'Staff!' is no name"),
        ('level = "所属"', "", "belong together"),
        ('"情報政策課" = "it server-room"', '"情報政策課" = "IT"', "'IT' is no name of a level"),
        ("[columns]", "[colums]", "did you mean columns"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_said(folder: Path, line: str, other: str, words: str) -> None:
    (folder / "mapping.toml").write_text(MAPPING.replace(line, other))
    with pytest.raises(ConfigurationError, match=words):
        imported(folder)


def test_an_export_that_is_missing_or_names_nobody_changes_nothing(folder: Path) -> None:
    (folder / "export.csv").write_bytes(EXPORT.splitlines()[0].encode("cp932"))
    with pytest.raises(RosterError, match="names nobody, and everybody would leave; nothing was changed"):
        imported(folder)
    (folder / "export.csv").unlink()
    with pytest.raises(
        RosterError, match=r"export\.csv cannot be read: No such file or directory; nothing was changed"
    ):
        imported(folder)
    assert (folder / "people.csv").read_text() == PEOPLE


def test_a_people_file_that_is_no_csv_is_said(folder: Path) -> None:
    (folder / "people.csv").write_text(PEOPLE.replace("0999,", "0999\r"), newline="")
    with pytest.raises(RosterError, match=r"people\.csv, line 4: "):
        imported(folder)
