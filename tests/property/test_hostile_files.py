"""Whatever somebody hands over in a file: it is taken whole, or refused in words, and then nothing has changed.

kazasu.toml and the roster of `kazasu roster import` have tests of their own (test_config.py, test_roster_csv.py).
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
import tempfile
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given

from fakes.hostile import Message, batches, both, changed_lines, enough, files_below, hostile, messages, these, told
from fakes.roster_desk import RetainedPost, TestDesk
from fakes.told import SITE, Teller
from kazasu.collector.configuration import CollectorConfig
from kazasu.collector.layout import Layout, problems_of
from kazasu.config import load_table
from kazasu.errors import ConfigurationError, KazasuError, RosterError
from kazasu.model.configuration_desk import Desk
from kazasu.model.signature import Ed25519Signer
from kazasu.site.pem import public_pem
from kazasu.site.personnel import import_people
from kazasu.site.published import read_published
from kazasu.virtual.subscriber import Chain, signed_receipt

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from fakes.hostile import Maker

pytestmark = hostile

_NOW = datetime(2026, 4, 1, 8, 30, tzinfo=UTC)
_ROOT = Path(__file__).parents[2]
_TOML_VALUES = these(
    *(
        *(
            b'"a"',
            b'""',
            b"1",
            b"-1",
            b"99999999999999999999",
            b"1e999",
            b"nan",
            b"true",
            b"[]",
            b"{}",
            b"[[]]",
            b"[{}]",
        ),
        *(
            b"1979-05-27T07:32:00Z",
            b"0001-01-01T00:00:00+23:59",
            b'"\\u0000"',
            b'"\\u001b[2J"',
            b'"/"',
            b'"5s"',
            b"[" * 5000,
        ),
        *(
            b'"99999999999d"',
            b"\xff",
            b"[left]",
            b"[[left]]",
            b"[full]",
            b'"' + b"f" * 64 + b'"',
            b"",
            b'"Asia"',
            b'"%s%n"',
        ),
    )
)
_CELLS = these(
    *(
        *(
            b"",
            b'"',
            b'""',
            b"\0",
            b"\xff",
            b"\x1b[2J",
            b"1001",
            b"9999",
            b"a" * 32,
            b"b" * 32,
            b"c" * 64,
            b"staff",
            b"x" * 500,
        ),
        *(
            b"2026-04-01",
            b"0001-01-01",
            b"9999-12-31",
            b"serial",
            b"none",
            b"=1+1",
            "\u202e".encode(),
            b"\r",
            b"x" * 200_000,
        ),
    )
)


def _is_refused(what: Callable[[], object], *refusals: type[KazasuError]) -> bool:
    try:
        what()
    except refusals as error:
        return bool(str(error).encode())  # what can be printed
    return False


# TOML

_DESK = b"""\
site = "town-hall"
timezone = "Asia/Tokyo"

[mqtt]
host = "broker"
ca = "ca.pem"
certificate = "desk.pem"
key = "desk.key"

[muster.terminals]
front = "front.pub.pem"
"""
_LAYOUT = b"""\
rows = "days"
encoding = "cp932"
delimiter = ","
late_after = "1h"

[[columns]]
name = "day"
title = "Tag"
format = "%Y"
"""
_PUBLISHED = b"""\
version = 3
people = 1
sha256 = "%s"
size_bytes = 100
base = 2
base_sha256 = "%s"
revoked = ["%s"]

[full]
kind = "full"
version = 3
parts = 1
size_bytes = 90
index = ["%s"]

[[left]]
kind = "full"
version = 2
parts = 1
size_bytes = 90
index = []
""" % (b"a" * 64, b"b" * 64, b"c" * 32, b"d" * 64)
_COLLECTOR = (_ROOT / "config/collector.toml").read_bytes()


@enough
@given(batches(changed_lines(_DESK, _TOML_VALUES)))
def test_the_file_of_a_desk(sent: list[bytes]) -> None:
    _each_is_read_or_refused(sent, lambda path: load_table(path, Desk, lambda _: ()), _DESK, ConfigurationError)


@enough
@given(batches(changed_lines(_LAYOUT, _TOML_VALUES)))
def test_the_layout_of_a_report(sent: list[bytes]) -> None:
    _each_is_read_or_refused(sent, lambda path: load_table(path, Layout, problems_of), _LAYOUT, ConfigurationError)


@enough
@given(batches(changed_lines(_COLLECTOR, _TOML_VALUES)))
def test_the_configuration_of_a_collector(sent: list[bytes]) -> None:
    def read(path: Path) -> object:
        return load_table(path, CollectorConfig, lambda _: ())

    _each_is_read_or_refused(sent, read, _COLLECTOR, ConfigurationError)


@enough
@given(batches(changed_lines(_PUBLISHED, _TOML_VALUES)))
def test_what_the_desk_remembers_of_what_it_published(sent: list[bytes]) -> None:
    _each_is_read_or_refused(sent, read_published, _PUBLISHED, RosterError)


def _each_is_read_or_refused(
    sent: list[bytes], read: Callable[[Path], object], good: bytes, refusal: type[KazasuError]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "file"
        for content in sent:
            path.write_bytes(content)
            with told(content):
                assert not _is_refused(lambda: read(path), refusal) or path.read_bytes() == content
        path.write_bytes(good)
        assert not _is_refused(lambda: read(path), refusal)


# What a roster is made of

_FILES = {
    "people.csv": b"""\
cardholder,name,credential,min_assurance,valid_from,valid_until,levels
1001,A,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,serial,2026-04-01,,staff
1002,B,bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,signed_data,,2026-12-31,
1003,C,,,,,
day-07,Day card 7,cccccccccccccccccccccccccccccccc,serial,,,
""",
    "day_cards.csv": b"""\
day_card,cardholder,until
day-07,1003,2026-04-03T00:00:00+09:00
""",
    "codes.csv": b"""\
cardholder,code,salt,digest,duress_digest
1003,%s,%s,%s,
"""
    % (b"c" * 32, b"d" * 32, b"e" * 64),
    "levels.toml": b"""\
[[levels]]
name = "staff"
doors = ["hall"]
schedule = "day"

[[schedules]]
name = "day"
hours = ["mon-fri 08:00-18:00"]

[[holidays]]
country = "JP"
""",
    "published.txt": b"""\
card\taaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\t1001\tserial\t\t
person\t1001\tA\tstaff
""",
    "export.csv": b"""\
id,first,last,unit
1001,A,B,it
1002,C,D,
""",
    "mapping.toml": b"""\
always = "staff"

[columns]
cardholder = "id"
name = ["first", "last"]
level = "unit"

[levels]
it = "server-room"
""",
}


def _one_changed(*names: str) -> Maker[dict[str, bytes]]:
    values = {name: _TOML_VALUES if name.endswith("toml") else _CELLS for name in names}
    makers = {name: changed_lines(_FILES[name], values[name]) for name in names}

    def files(chance: Random) -> dict[str, bytes]:
        name = chance.choice(names)
        return _FILES | {name: makers[name](chance)}

    return files


def _written(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


@enough
@given(batches(_one_changed("people.csv", "codes.csv", "levels.toml", "published.txt", "day_cards.csv")))
def test_the_files_of_a_roster(sent: list[dict[str, bytes]]) -> None:
    """Nothing of them is published before all of it can be read; and all that can be has a text that terminals take."""
    with tempfile.TemporaryDirectory() as name:
        desk = TestDesk(Path(name), SITE, RetainedPost())
        desk.pool = "day-*"
        for files in [*sent, _FILES]:
            _written(Path(name), files)
            with told(files):
                refused = _is_refused(lambda: _draft(desk), RosterError, ConfigurationError)
                assert files_below(Path(name)) == {str(Path(name) / each): files[each] for each in files}
        assert not refused


def _draft(desk: TestDesk) -> None:
    with desk.desk.drafted(_NOW, lambda _: None) as draft:
        assert hashlib.sha256(draft.text.read_bytes()).hexdigest() == draft.sha256


@enough
@given(batches(_one_changed("people.csv", "export.csv", "mapping.toml")))
def test_what_a_personnel_system_exports(sent: list[dict[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for files in [*sent, _FILES]:
            _written(folder, files)
            with told(files):
                refused = _is_refused(lambda: _imported(folder), RosterError, ConfigurationError)
                assert not refused or (folder / "people.csv").read_bytes() == files["people.csv"]
        assert not refused


def _imported(folder: Path) -> None:
    import_people(folder / "export.csv", folder / "mapping.toml", folder / "people.csv", "day-*")


# The proof that an auditor gets

_TERMINAL, _COLLECTOR_KEY = (
    Ed25519Signer(Ed25519PrivateKey.from_private_bytes(letter * 32)) for letter in (b"t", b"c")
)
_VERIFIER = compile((_ROOT / "docs/verify.py").read_text(), "verify.py", "exec")


def _proof() -> list[bytes]:
    teller = Teller(signer=_TERMINAL)
    events = [event.body for event in teller.tell(3, cardholder="1001")]
    end = Chain(seq=3, digest=teller.told[-1].digest)
    return [*events, signed_receipt(_COLLECTOR_KEY, SITE, "front", teller.epoch, end)]


_PROOF = _proof()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("keys")
    for name, signer in (("event.pem", _TERMINAL), ("collector.pem", _COLLECTOR_KEY)):
        (folder / name).write_bytes(public_pem(signer.public))
    return [str(folder / "event.pem"), str(folder / "collector.pem")]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@enough
@given(batches(both(messages(_PROOF), these(*range(len(_PROOF))))))
def test_the_verifier_of_proofs(keys: list[str], sent: list[tuple[Message, int]]) -> None:
    """It stops at the first line that does not hold; it never says of anything else that it was verified."""
    whole = _verified(keys, _PROOF)
    assert [line.split()[0] for line in whole] == ["verified"] * 3 + ["vouched"]
    for message, place in sent:
        with told((place, message)):
            lines = message.payload.splitlines() or [b""]
            said = _verified(keys, [*_PROOF[:place], *lines, *_PROOF[place + 1 :]])
            assert said[:place] == whole[:place]
            # RFC 8785 writes 2.0 as 2: it is the same document.
            assert {re.sub(r"\.0(?= |$)", "", line) for line in said} <= set(whole)


def _verified(keys: list[str], lines: list[bytes]) -> list[str]:
    """What it says of these lines before it ends."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(sys, "argv", ["verify.py", *keys])
        patch.setattr(sys, "stdin", io.StringIO(b"\n".join(lines).decode("utf-8", "surrogateescape")))
        try:
            exec(_VERIFIER, {"__name__": "__main__"})  # noqa: S102  (the script that is handed out)
        except (
            InvalidSignature,
            AssertionError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
        ) as error:
            del error  # it says no by a traceback
    return said.getvalue().splitlines()
