"""The desk's commands on the roster, against the site's own mosquitto."""

from __future__ import annotations

import contextlib
import io
import re
import zlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from kazasu.cli import EXIT_OK, EXIT_PROBLEM, main
from kazasu.model.document import verified
from kazasu.model.roster_manifest import manifest_in
from kazasu.publishers.visit import hear
from kazasu.publishers.wire import Topics
from kazasu.virtual.site import PASSPHRASE, SiteBroker, make_site
from kazasu.virtual.tapping import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.model.roster_manifest import Manifest
    from kazasu.site.directory import Site

HEADER = "cardholder,name,credential,min_assurance,valid_from,valid_until,levels\n"
HANAKO, KEN = "a" * 32, "b" * 32
LEVELS = """
[[levels]]
name = "night-shift"
doors = ["server-room"]
"""


class Desk:
    """A site, its broker, and who types."""

    def __init__(self, site: Site, passphrase_file: Path, store: Path) -> None:
        self.site = site
        self.store = store
        self._passphrase_file = passphrase_file

    def types(self, action: str, *words: str, signs: bool = True) -> int:
        secret = ("--passphrase-file", str(self._passphrase_file)) if signs else ()
        return main(["site", action, *words, "--site", str(self.site.path), *secret])

    def people(self, *lines: str) -> None:
        self.site.file("roster").mkdir(exist_ok=True)
        self.site.file("roster/people.csv").write_text(HEADER + "".join(f"{line}\n" for line in lines))

    def manifest(self) -> Manifest:
        topic = Topics(self.site.name, "any").roster_of_all
        return manifest_in(verified(self.retained(topic, 1)[topic], self.site.verifier()))

    def retained(self, topic: str, count: int) -> dict[str, bytes]:
        """So many messages, as operations read them; fewer if nothing comes any more."""
        heard: dict[str, bytes] = {}
        hear(
            self.site.broker("operations"),
            "looks",
            [topic],
            heard.__setitem__,
            quiet_s=lambda: 0.0 if len(heard) == count else 10.0,
            most_s=10.0,
        )
        return heard


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    directory = tmp_path_factory.mktemp("desk")
    passphrase_file = directory / "passphrase"
    passphrase_file.write_text(PASSPHRASE)
    passphrase_file.chmod(0o600)
    site = make_site(directory / "site")
    with SiteBroker(site, directory / "broker"):
        yield Desk(site, passphrase_file, directory / "broker" / "mosquitto.db")


def test_nothing_is_published_unless_somebody_says_yes(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.people(f"1001,Hanako,{HANAKO},serial,,,staff", f"1002,Ken,{KEN},serial,,,staff")
    assert desk.types("publish") == EXIT_PROBLEM
    said = capsys.readouterr().out
    assert "+ 1001 Hanako: staff\n" in said
    assert "people added: 2, cards added: 2\nthen 2 people with 2 cards\n" in said
    assert said.endswith("nothing was published\n")


@pytest.mark.rule(8)
def test_a_roster_is_signed_and_stands_at_the_broker(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.types("publish", "--yes") == EXIT_OK
    assert "version 1 is at the broker" in capsys.readouterr().out
    manifest = desk.manifest()
    assert (manifest.version, manifest.people, manifest.credentials, manifest.revoked) == (1, 2, 2, ())


def test_a_stolen_card_is_revoked_by_its_number_or_its_holders(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.types("revoke-card", KEN) == EXIT_OK
    assert desk.types("revoke-card", "--cardholder", "1001") == EXIT_OK
    said = capsys.readouterr().out
    assert f"card {KEN} is revoked, 1002's\n" in said
    assert f"card {HANAKO} is revoked, 1001's\n" in said
    assert desk.manifest().revoked == (HANAKO, KEN)
    assert desk.types("revoke-card", "--cardholder", "1003") == EXIT_PROBLEM
    assert "1003 has no card and no code" in capsys.readouterr().err

    desk.people(f"1001,Hanako,{HANAKO},serial,,,staff")
    assert desk.types("publish", "--yes") == EXIT_OK
    assert f"{HANAKO} was revoked and still stands in the files" in capsys.readouterr().out
    assert desk.manifest().revoked == (HANAKO, KEN)


def test_a_card_that_nobody_has_is_revoked_and_doubted(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.types("revoke-card", "c" * 32) == EXIT_OK
    assert "nobody has it in the roster that was published last: is its number right?" in capsys.readouterr().out


def test_a_card_is_revoked_while_somebody_else_is_asked_whether_to_publish(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy(io.StringIO):
        """Somebody who sees to a stolen card between the question and their answer."""

        def isatty(self) -> bool:
            assert desk.types("revoke-card", HANAKO) == EXIT_OK
            return True

    monkeypatch.setattr("sys.stdin", Busy("y\n"))
    assert desk.types("publish") == EXIT_PROBLEM
    assert "something else was published meanwhile" in capsys.readouterr().err


def test_what_the_personnel_system_says_can_be_published(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "map.toml").write_text('[columns]\ncardholder = "番号"\nname = ["氏名"]\n')
    (tmp_path / "export.csv").write_text("番号,氏名\n1001,花子\n1004,太郎\n")
    words = (str(tmp_path / "export.csv"), "--map", str(tmp_path / "map.toml"))
    assert desk.types("import-people", *words, signs=False) == EXIT_OK
    assert "2 people: 1 joined, 0 left, 1 have no card yet" in capsys.readouterr().out
    assert desk.types("publish", "--yes") == EXIT_OK
    assert desk.manifest().people == 2


def test_a_code_for_the_keypads_is_made_up_and_published(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("518274\n"))
    assert desk.types("set-code", "1004", signs=False) == EXIT_OK
    assert re.match(r"1004's code is \d{6}: only this once it is shown\n", capsys.readouterr().out)
    assert desk.types("publish", "--yes") == EXIT_OK
    assert "codes changed: 1" in capsys.readouterr().out
    with_code = desk.manifest()
    assert with_code.codes == 1
    assert desk.types("set-code", "1004", "--remove", signs=False) == EXIT_OK
    assert desk.types("publish", "--yes") == EXIT_OK
    assert desk.manifest().codes == 0
    assert len({*desk.manifest().revoked} - {*with_code.revoked}) == 1


def readable(stored: bytes) -> bytes:
    """What somebody reads who has bytes: themselves, and whatever in them can be unpacked."""
    unpacked = [stored]
    for start in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", stored):
        with contextlib.suppress(zlib.error):
            unpacked.append(zlib.decompressobj().decompress(stored[start.start() :]))
    return b"\n".join(unpacked)


def test_nothing_that_the_roster_says_of_people_can_be_read_at_the_broker(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("518274\n"))
    desk.people(f"staff-70012345,山田 花子,{'c' * 32},serial,,,night-shift", "staff-70012346,Yamada Ken,,,,,")
    (desk.site.file("roster") / "levels.toml").write_text(LEVELS)
    assert desk.types("set-code", "staff-70012346", signs=False) == EXIT_OK
    assert desk.types("publish", "--yes") == EXIT_OK
    text = (desk.site.file("roster") / "published.txt").read_bytes()
    said = {field for line in text.splitlines() for field in line.split(b"\t")[1:] if len(field) > len("00001")}
    assert {"山田 花子".encode(), b"staff-70012345", b"night-shift", b"c" * 32, b'doors = ["server-room"]'} <= said

    manifest = desk.manifest()
    names = len(manifest.full.names) + (0 if manifest.delta is None else len(manifest.delta.names))
    heard = desk.retained(f"kazasu/v1/{desk.site.name}/#", 1 + names)
    assert len(heard) == 1 + names
    assert [field for field in said if field in readable(b"\n".join(heard.values()))] == []
    assert wait_for(lambda: all(payload in desk.store.read_bytes() for payload in heard.values()))
    assert [field for field in said if field in readable(desk.store.read_bytes())] == []


def test_a_broker_that_is_away_is_said(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site_file = desk.site.file("site.toml")
    before = site_file.read_text()
    site_file.write_text(before.replace(f"port = {desk.site.address.port}", "port = 9"))
    try:
        assert desk.types("publish", "--yes") == EXIT_PROBLEM
    finally:
        site_file.write_text(before)
    assert "the broker localhost:9: Connection refused" in capsys.readouterr().err


def test_day_cards_are_lent_listed_and_taken_back(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.types("day-card", "issue", "day-07", "1001") == EXIT_PROBLEM
    assert "write [day_cards] into it" in capsys.readouterr().err
    with desk.site.file("site.toml").open("a") as file:
        file.write('\n[day_cards]\ncards = "day-*"\n')
    desk.people("1001,Hanako,,,,,", f"day-07,Day card,{'7' * 32},serial,,,", f"day-08,Day card,{'8' * 32},serial,,,")
    assert desk.types("publish", "--yes") == EXIT_OK
    assert "day cards added to the pool: 2" in capsys.readouterr().out
    before = desk.manifest().version

    for words, said in (
        (("1001", "1001"), "'1001' is no day card: site.toml says day-*"),
        (("day-09", "1001"), "day-09 is not in the roster that was published last"),
        (("day-07", "1001", "--until", "noon"), "--until: 'noon' is no time: write 2026-11-30"),
    ):
        assert desk.types("day-card", "issue", *words) == EXIT_PROBLEM
        assert said in capsys.readouterr().err
    assert desk.types("set-code", "day-07", signs=False) == EXIT_PROBLEM
    assert "day-07 is a day card, and no person" in capsys.readouterr().err
    assert desk.types("day-card", "issue", "day-07", "1001") == EXIT_OK
    assert re.match(r"day-07 is 1001's until \S+ 00:00; version \d+ is at the broker\n", capsys.readouterr().out)
    assert (desk.manifest().version, desk.manifest().base) == (before + 1, before)
    assert desk.types("day-card", "list", signs=False) == EXIT_OK
    assert re.fullmatch(r"day-07: 1001 until \S+ 00:00\n", capsys.readouterr().out)
    assert desk.types("day-card", "return", "day-07") == EXIT_OK
    assert capsys.readouterr().out.startswith("day-07 is back; version ")
    assert desk.types("day-card", "return", "day-07") == EXIT_PROBLEM
    assert "day-07 is not lent" in capsys.readouterr().err


def test_what_is_written_by_hand_is_listed_and_published(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    book = desk.site.file("roster/day_cards.csv")
    tomorrow = datetime.now(desk.site.zone).date() + timedelta(days=1)
    book.write_text(f"day_card,cardholder,until\nday-08,1001,{tomorrow}\n")
    assert desk.types("day-card", "list", signs=False) == EXIT_OK
    assert "day-08: 1001 until " in (said := capsys.readouterr().out)
    assert said.endswith("; the terminals hear of it with `kazasu site publish`\n")
    assert desk.types("publish", "--yes") == EXIT_OK
    assert "+ day-08 is lent to 1001 until " in (said := capsys.readouterr().out)
    assert "day cards lent: 1" in said
    book.write_text("day_card,cardholder,until\n1001,day-08,\n")
    assert desk.types("publish", "--yes") == EXIT_PROBLEM
    assert f"{book}, line 2: until: '' is no time" in capsys.readouterr().err
    book.unlink()
    assert desk.types("day-card", "list", signs=False) == EXIT_OK
    assert capsys.readouterr().out == (
        "day-08: taken back; the terminals hear of it with `kazasu site publish`\nnone is lent\n"
    )
