from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fakes.codes import kept, pseudonym
from kazasu.errors import RosterError
from kazasu.model.access import Assurance, Cardholder
from kazasu.model.pepper import Pepper
from kazasu.store.roster import Roster
from kazasu.store.roster_file import locked_roster, set_code
from kazasu.store.roster_import import SHOWN_LINES, Summary, import_csv

TOKYO = ZoneInfo("Asia/Tokyo")
HEADER = "cardholder,name,credential,min_assurance,valid_from,valid_until\n"
EXAMPLE = Path(__file__).parents[3] / "config" / "roster.example.csv"
A, B, C = "a" * 32, "b" * 32, "c" * 32


class Office:
    """Imports rosters at one place."""

    def __init__(self, directory: Path) -> None:
        self.csv = directory / "roster.csv"
        self.roster = directory / "roster.db"
        self.progress: list[int] = []

    def load(self, content: str | bytes) -> Summary:
        self.csv.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_csv(self.csv, self.roster, TOKYO, self.progress.append)

    def refused(self, content: str | bytes) -> list[str]:
        before = self.roster.read_bytes() if self.roster.exists() else None
        with pytest.raises(RosterError) as caught:
            self.load(content)
        assert (self.roster.read_bytes() if self.roster.exists() else None) == before
        assert {path.name for path in self.csv.parent.iterdir()} <= {"roster.csv", "roster.db"}
        return str(caught.value).splitlines()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_the_example_is_imported(office: Office) -> None:
    assert office.load(EXAMPLE.read_bytes()) == Summary(version=1, cardholders=3, credentials=4)


def test_a_row_becomes_an_enrolment_with_inclusive_days_of_the_terminals_zone(office: Office) -> None:
    office.load(HEADER + f'7,"Tanaka, Maria",{A.upper()},challenge,2026-04-01,2026-09-30\n')
    roster = Roster(office.roster)

    enrolment = roster.look_up(A)
    roster.close()

    assert enrolment is not None
    assert (enrolment.cardholder.number, enrolment.cardholder.name) == ("7", "Tanaka, Maria")
    credential = enrolment.credential
    assert credential.min_assurance is Assurance.CHALLENGE
    assert credential.valid_from_s == datetime(2026, 3, 31, 15, tzinfo=UTC).timestamp()
    assert credential.valid_until_s == datetime(2026, 9, 30, 15, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + (HEADER + f"7,A,{A},serial,,\n").encode(),
        (HEADER + f"7,A,{A},serial,,\n").replace("\n", "\r\n").encode(),
        f"credential,valid_from,valid_until,min_assurance,name,cardholder\n{A},,,serial,A,7".encode(),
        (HEADER + f"\n , 7 , A ,{A},serial,,\n,,,,,\n").replace(" , 7", "7").encode(),
    ],
    ids=["BOM", "CRLF", "other order, no last newline", "blank rows"],
)
def test_what_spreadsheets_make_of_a_csv_is_understood(office: Office, content: bytes) -> None:
    assert office.load(content).credentials == 1


def test_an_import_replaces_the_whole_roster_and_raises_the_version(office: Office) -> None:
    office.load(HEADER + f"1,A,{A},serial,,\n")
    assert office.load(HEADER + f"2,B,{B},serial,,\n").version == 2

    roster = Roster(office.roster)
    assert (roster.look_up(A), roster.version) == (None, 2)
    roster.close()
    assert office.roster.stat().st_mode & 0o777 == 0o600


def test_progress_is_told(office: Office) -> None:
    rows = "".join(f"{number},A,{number:032x},serial,,\n" for number in range(2500))

    office.load(HEADER + rows)

    assert office.progress == [1000, 2000, 2501]


def test_every_bad_line_is_reported_and_nothing_is_changed(office: Office) -> None:
    office.load(HEADER + f"1,A,{A},serial,,\n")

    said = office.refused(
        HEADER
        + f"1,A,{A},serial,,\n"
        + f"2,B,{A},serial,,\n"
        + f"3,,{B},serial,,\n"
        + "4,D,12,none,2026-13-01,yesterday\n"
        + f"5,E,{C},serial,2026-04-02,2026-04-01\n"
        + f"1,Another,{'d' * 32},serial,,\n"
        + f"6,F,{'e' * 32},serial\n"
        + f'7,"G,{"f" * 32},serial,,\n'
    )

    assert "7 lines are wrong, and nothing was changed" in said[0]
    assert [line.split(":")[:2] for line in said[1:]] == [
        ["line 3", " credential"],
        ["line 4", " name"],
        ["line 5", " credential"],
        ["line 5", " min_assurance"],
        ["line 5", " valid_from"],
        ["line 5", " valid_until"],
        ["line 6", " valid_until"],
        ["line 7", " name"],
        ["line 8", " 4 fields, and the header has 6"],
        ["line 9", " not CSV (unexpected end of data)"],
    ]
    assert "line 2 already" in said[1]
    assert "line 2" in said[8]


def test_a_long_list_is_cut_and_counted(office: Office) -> None:
    said = office.refused(HEADER + "1,A,x,serial,,\n" * (SHOWN_LINES + 7))

    assert len(said) == SHOWN_LINES + 2
    assert said[-1] == "and 7 more bad lines"


@pytest.mark.rule(6)
@pytest.mark.parametrize("number", ["123456789012", "1234-5678-9012", "1234 5678 9012", "１２３４５６７８９０１２"])  # noqa: RUF001
def test_what_looks_like_a_my_number_is_refused_and_not_shown(office: Office, number: str) -> None:
    said = office.refused(HEADER + f"{number},A,{A},serial,,\n")

    assert "My Number" in said[1]
    assert number not in "\n".join(said)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "header"),
        (f"7,A,{A},serial,,\n".encode(), "header"),
        (b"cardholder,name,credential,min_assurance,valid_from\n", "missing: valid_until"),
        (HEADER.replace("name", "nmae").encode(), "missing: name; not known: 'nmae'"),
        (HEADER.replace("\n", ",name\n").encode(), "one stands twice"),
        (
            (HEADER + f"7,山田 花子,{A},serial,,\n").encode("cp932"),
            "line 2: the file is not UTF-8; it reads as Shift_JIS",
        ),
        (HEADER.encode("utf-16"), "UTF-16"),
        (HEADER.encode() + b"7,\x81\n", "not UTF-8 text"),
        (b"x" * 10_000_000, "longer than"),
    ],
)
def test_a_file_of_another_form_is_refused_with_what_to_do(office: Office, content: bytes, says: str) -> None:
    assert says in office.refused(content)[0]


def test_a_missing_file_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="absent"):
        import_csv(tmp_path / "absent.csv", tmp_path / "roster.db", TOKYO, lambda _: None)


def test_an_import_waits_for_nobody_who_changes_the_roster(office: Office) -> None:
    office.load(HEADER + f"1,A,{A},serial,,\n")

    with locked_roster(office.roster):
        assert "cannot be changed now" in office.refused(HEADER + f"2,B,{B},serial,,\n")[0]


LEVELLED = HEADER.rstrip() + ",levels\n"


def test_levels_are_the_persons_whichever_card_is_shown(office: Office) -> None:
    office.load(LEVELLED + f"7,Maria,{A},serial,,,staff it\n7,Maria,{B},serial,,,it; staff  it\n8,Ken,{C},serial,,,\n")
    roster = Roster(office.roster)
    levels = [found.cardholder.levels for digits in (A, B, C) if (found := roster.look_up(digits)) is not None]
    roster.close()

    assert levels == [("it", "staff"), ("it", "staff"), ()]


def test_a_file_of_an_older_kazasu_has_no_levels_and_is_imported(office: Office) -> None:
    office.load(HEADER + f"7,Maria,{A},serial,,\n")
    roster = Roster(office.roster)
    assert roster.find("7") == Cardholder(number="7", name="Maria")
    roster.close()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (f"7,Maria,{A},serial,,,IT\n", "line 2: levels: 'IT' is no name of a level"),
        (f'7,Maria,{A},serial,,,"it,staff"\n', "line 2: levels: 'it,staff' is no name of a level"),
        (
            f"7,Maria,{A},serial,,,it\n7,Maria,{B},serial,,,\n",
            "line 3: levels: cardholder 7 has other levels in line 2; they are the person's, not the card's",
        ),
    ],
)
def test_levels_that_cannot_be_are_said_with_their_line(office: Office, rows: str, said: str) -> None:
    assert any(line.startswith(said) for line in office.refused(LEVELLED + rows))


def test_an_import_tells_since_when_the_site_vouches_for_it(office: Office) -> None:
    office.load(HEADER + f"7,Maria,{A},serial,,\n")
    roster = Roster(office.roster)
    assert roster.made_s is None

    import_csv(office.csv, office.roster, TOKYO, office.progress.append, made_s=1_774_998_000)
    roster.look_up(A)

    assert roster.made_s == 1_774_998_000
    roster.close()


def test_a_person_without_a_card_is_known_by_number_alone(office: Office) -> None:
    summary = office.load(LEVELLED + f"7,Maria,,,,,staff\n8,Ken,{A},serial,,,\n9,Rei,,,,,\n9,Rei,,,,,\n")
    assert (summary.cardholders, summary.credentials) == (3, 1)
    roster = Roster(office.roster)
    assert roster.find("7") == Cardholder(number="7", name="Maria", levels=("staff",))
    assert roster.find("1") is None
    roster.close()


def test_what_is_a_cards_may_not_stand_where_there_is_none(office: Office) -> None:
    problems = office.refused(HEADER + "7,Maria,,serial,2026-04-01,2026-09-30\n")[1:]
    assert problems == [
        f"line 2: {column}: is a card's, and this line has none: leave it empty, or fill in `credential`"
        for column in ("min_assurance", "valid_from", "valid_until")
    ]


def test_people_who_stay_keep_their_codes_and_who_is_gone_loses_theirs(office: Office) -> None:
    office.load(HEADER + f"7,Maria,{A},serial,,\n8,Ken,{B},serial,,\n9,Rei,,,,\n")
    for number, code in (("7", "482913"), ("8", "739146"), ("9", "111222")):
        set_code(office.roster, number, pseudonym(code), kept(code, "5170", "8026"))

    summary = office.load(HEADER + f"7,Maria T.,{C},serial,,\n9,Rei,,,,\n")

    assert summary == Summary(version=5, cardholders=2, credentials=1, codes=2, codes_dropped=1)
    roster = Roster(office.roster)
    assert roster.codes() == (("7", True), ("9", True))
    assert roster.code_of(pseudonym("739146")) is None
    found = roster.code_of(pseudonym("482913"))
    assert found is not None
    assert (found.cardholder.name, found.kept) == ("Maria T.", kept("482913", "5170", "8026"))
    roster.close()


def test_an_import_is_under_the_newest_layer_or_that_of_the_people_who_are_there(office: Office) -> None:
    pepper = Pepper([b"1" * 32, b"2" * 32, b"3" * 32])
    office.load(f"{HEADER}1,Hanako,{A},serial,,\n")
    office.roster.unlink()

    def imported(layer: str) -> str | None:
        import_csv(office.csv, office.roster, TOKYO, office.progress.append, layer=layer)
        with contextlib.closing(Roster(office.roster, pepper)) as roster:
            return roster.layer

    assert imported(pepper.ids[1]) == pepper.ids[1]
    assert imported(pepper.ids[2]) == pepper.ids[1], "nothing in the file says that it is under another"
    office.roster.unlink()
    assert imported(pepper.ids[2]) == pepper.ids[2]
