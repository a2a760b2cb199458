"""`kazasu collect`'s own commands: what stands open, what a person has seen to, what is given up, what is missing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.told import SITE, Teller
from kazasu.cli import EXIT_CONFIGURATION, EXIT_OK, EXIT_PROBLEM, main
from kazasu.cli.collect import load_config
from kazasu.collector.configuration import CollectorConfig
from kazasu.collector.records import Finding, Kind
from kazasu.collector.store.sqlite import SqliteStore
from kazasu.config.values import convert
from kazasu.store.keys import generate_signer, write_public

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[3] / "config/collector.toml"
NEEDED = f"""[collector]
site = "{SITE}"
key = "collector.key"
terminals = "terminals"
[broker]
host = "127.0.0.1"
port = 9
ca = "ca.pem"
certificate = "collector.pem"
key = "client.key"
[store]
sqlite = "events.db"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "collector.toml"
    file.write_text(NEEDED)
    return file


@pytest.fixture
def store(file: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(file.with_name("events.db"))) as store:
        yield store


def collect(file: Path, *words: str) -> int:
    return main(["collect", "--config", str(file), *words])


def test_an_alert_is_listed_until_somebody_has_seen_to_it(
    file: Path, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store.find([Finding(terminal="front", kind=Kind.FORK, detail="two events 7")], 1_800_000_000)
    assert collect(file, "alerts") == EXIT_OK
    assert "front             fork             1  two events 7" in capsys.readouterr().out
    assert collect(file, "settle", "front", "fork") == EXIT_OK
    assert collect(file, "settle", "front", "fork") == EXIT_PROBLEM
    assert "no alert fork of front stands open" in capsys.readouterr().err
    assert collect(file, "alerts") == EXIT_OK
    assert capsys.readouterr().out == "nothing stands open\n"


def test_the_configuration_may_be_named_behind_the_action_as_with_reports(
    file: Path, store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store.alerts() == []  # which makes the file
    assert main(["collect", "alerts", "--config", str(file)]) == EXIT_OK
    assert capsys.readouterr().out == "nothing stands open\n"


def test_a_gap_is_given_up(file: Path, store: SqliteStore, capsys: pytest.CaptureFixture[str]) -> None:
    front = Teller()
    store.keep(front.checked(front.tell(9)[4:]), [], 1_800_000_000)
    assert collect(file, "give-up", "front") == EXIT_OK
    assert "events 1 to 4 of epoch 0123456789abcdef are given up" in capsys.readouterr().out
    assert collect(file, "give-up", "front") == EXIT_PROBLEM
    assert "front has no gap" in capsys.readouterr().err


def test_the_check_says_what_is_missing_and_what_is_there(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect(file, "check") == EXIT_PROBLEM
    said = capsys.readouterr().out
    assert "problem  key" in said
    assert "problem  terminals" in said
    assert "note     store" in said
    assert "problem  broker" in said

    generate_signer(file.with_name("collector.key"))
    (file.with_name("terminals")).mkdir()
    assert collect(file, "check") == EXIT_PROBLEM
    assert "names none" in capsys.readouterr().out

    for name in ("front", "back"):
        write_public(file.with_name("terminals") / f"{name}.pub.pem", Teller().signer)
    assert collect(file, "check") == EXIT_PROBLEM  # there is no broker
    said = capsys.readouterr().out
    assert "ok       terminals      2 registered" in said
    assert "1 problem found" in said

    with closing(SqliteStore(file.with_name("events.db"))) as store:
        front = Teller()
        store.keep(front.checked(front.tell(3)), [], 1_800_000_000)
        store.find([Finding(terminal="front", kind=Kind.FORK, detail="two events 7")], 1_800_000_000)
    assert collect(file, "check") == EXIT_PROBLEM
    said = capsys.readouterr().out
    assert "events.db: 3 events without a gap, of 1 journals" in said
    assert "note     alert          front: fork: two events 7" in said


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("port = 9464", "ok       metrics        127.0.0.1, port 9464"),
        ('port = 9464\nhost = "0.0.0.0"', "note     metrics        0.0.0.0, port 9464: other machines read them"),
    ],
)
def test_the_check_says_who_may_read_the_metrics(
    file: Path, capsys: pytest.CaptureFixture[str], lines: str, said: str
) -> None:
    file.write_text(f"{NEEDED}[metrics]\n{lines}\n")
    collect(file, "check")
    assert said in capsys.readouterr().out


def test_a_store_that_is_not_there_is_not_made_by_looking(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect(file, "alerts") == EXIT_PROBLEM
    assert "there is no store" in capsys.readouterr().err
    assert not file.with_name("events.db").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('group = "site"', "several collectors in one `group` need one [store] `postgresql`"),
        ('nam = "one"', "collector.toml:2: collector.nam: unknown; did you mean name?"),
        ('name = "all"', 'name cannot be "all"'),
        ('repair_after = "0s"', 'repair_after has to be from "1s" to "1h"'),
    ],
)
def test_a_configuration_that_cannot_be_used_is_said_with_its_place(
    file: Path, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    file.write_text(NEEDED.replace("[collector]\n", f"[collector]\n{line}\n"))
    assert collect(file, "alerts") == EXIT_CONFIGURATION
    assert said in capsys.readouterr().err


def test_it_does_not_start_without_a_key_or_terminals(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect(file) == EXIT_PROBLEM
    assert "the collector key" in capsys.readouterr().err
    generate_signer(file.with_name("collector.key"))
    assert collect(file) == EXIT_CONFIGURATION
    assert "directory of the site's terminals" in capsys.readouterr().err


def test_the_example_can_be_used_and_shows_every_key_with_its_default() -> None:
    import msgspec
    import tomli

    text = EXAMPLE.read_text(encoding="utf-8")
    plain = load_config(EXAMPLE)
    uncommented = "\n".join(
        line.removeprefix("# ") if line.startswith("# ") and " = " in line.partition("#")[2][:30] else line
        for line in text.splitlines()
        if "A line that begins" not in line
    )
    document = tomli.loads(uncommented)
    shown: CollectorConfig = convert(document, CollectorConfig, EXAMPLE.parent)
    for table in msgspec.structs.fields(CollectorConfig):
        values, defaults = getattr(shown, table.name), getattr(plain, table.name)
        for field in msgspec.structs.fields(type(values)):
            assert field.name in document[table.name], field.name
            if field.name not in {"group", "postgresql"}:  # examples
                assert getattr(values, field.name) == getattr(defaults, field.name), field.name


@pytest.mark.parametrize(
    ("alert", "said"), [("gap", "`give-up` goes on behind one that never will be"), ("forc", "is none of fork, ")]
)
def test_what_nobody_settles_is_said(file: Path, alert: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        collect(file, "settle", "front", alert)
    assert said in capsys.readouterr().err
