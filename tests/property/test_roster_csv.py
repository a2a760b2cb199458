"""No roster that anybody can hand in ends the import otherwise than in words, nor changes anything when it is bad."""

from __future__ import annotations

import csv
import tempfile
from datetime import UTC
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fakes.hostile import enough_of_one, hostile
from kazasu.errors import RosterError
from kazasu.store.roster import Roster
from kazasu.store.roster_import import import_csv

HEADER = "cardholder,name,credential,min_assurance,valid_from,valid_until"
GOOD = HEADER + "\n1,A," + "a" * 32 + ",serial,,\n"

cells = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", "1", "a" * 32, "b" * 32, "serial", "2026-04-01", "0001-01-01", "9999-12-31", '"', "\x00"]),
)
rows = st.lists(cells, max_size=8).map(",".join)
texts = st.lists(rows, max_size=6).map(lambda lines: "\n".join([HEADER, *lines]))
files = st.one_of(
    st.binary(max_size=300),
    texts.map(lambda text: text.encode("utf-8", "surrogatepass")),
    texts.map(lambda text: text.encode("cp932", "replace")),
)


@hostile
@enough_of_one
@given(files)
def test_any_file_is_imported_whole_or_refused_whole(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "good.csv").write_text(GOOD)
        (directory / "roster.csv").write_bytes(content)
        path = directory / "roster.db"
        import_csv(directory / "good.csv", path, UTC, lambda _: None)
        before = path.read_bytes()

        refused = False
        try:
            summary = import_csv(directory / "roster.csv", path, UTC, lambda _: None)
            lines = [line for line in content.decode("utf-8-sig").split("\n")[1:] if line.strip(" \t\r,")]
            rows = [next(csv.reader([line.rstrip("\r")])) for line in lines]
            assert summary.cardholders == len({row[0].strip() for row in rows})
            assert summary.credentials == sum(bool(row[2].strip()) for row in rows)
        except RosterError:
            refused = True

        assert (path.read_bytes() == before) is refused
        roster = Roster(path)
        assert roster.version == (1 if refused else 2)
        roster.close()
        assert {entry.name for entry in directory.iterdir()} == {"good.csv", "roster.csv", "roster.db"}
