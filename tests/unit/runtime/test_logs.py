from __future__ import annotations

import ast
import io
import logging
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kazasu
from kazasu.runtime import logs
from kazasu.runtime.logs import FIELDS, JournalHandler, TextFormatter

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(kazasu.__file__).parent


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[JournalHandler]:
    handler = JournalHandler(str(tmp_path / "socket"))
    yield handler
    handler.close()


def record_of(message: str, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    record = logging.LogRecord("kazasu.terminal", level, __file__, 1, message, (), None)
    record.fields = fields
    return record


def text_of(record: logging.LogRecord) -> str:
    return TextFormatter("{levelname} {message}", style="{").format(record)


def entries_of(datagram: bytes) -> dict[str, str]:
    """Parse systemd's native protocol, the form with a length."""
    entries = {}
    while datagram:
        name, _, rest = datagram.partition(b"\n")
        length = int.from_bytes(rest[:8], "little")
        entries[name.decode()] = rest[8 : 8 + length].decode()
        assert rest[8 + length : 9 + length] == b"\n"
        datagram = rest[9 + length :]
    return entries


def test_text_is_an_event_and_its_fields() -> None:
    assert text_of(record_of("tap", seq=7, reader="desk", reason="")) == "INFO tap seq=7 reader=desk"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ("line\nINFO tap seq=8", r"'line\nINFO tap seq=8'"),
        ("\x1b[2J", r"'\x1b[2J'"),
        ("\udcff", r"'\udcff'"),
    ],
)
def test_a_field_never_leaves_its_line(value: str, shown: str) -> None:
    assert text_of(record_of("tap", detail=value)) == f"INFO tap detail={shown}"


@pytest.mark.rule(7)
def test_a_field_that_is_not_on_the_list_does_not_leave_the_process(handler: JournalHandler) -> None:
    record = record_of("tap", uid="04A1B2C3", serial=b"\x04\xa1", reader=b"\x04\xa1", seq=7)

    assert text_of(record) == "INFO tap seq=7"
    assert "A1" not in str(entries_of(handler.datagram(record)))


def test_the_journal_gets_each_field_by_name(handler: JournalHandler) -> None:
    entries = entries_of(handler.datagram(record_of("tap", seq=7, reader="desk")))

    assert entries == {
        "MESSAGE": "tap seq=7 reader=desk",
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "kazasu",
        "KAZASU_EVENT": "tap",
        "KAZASU_LOGGER": "kazasu.terminal",
        "KAZASU_SEQ": "7",
        "KAZASU_READER": "desk",
    }


def test_a_value_cannot_begin_a_field_of_its_own(handler: JournalHandler) -> None:
    entries = entries_of(handler.datagram(record_of("tap", detail="x\nPRIORITY=0\n\udcff")))

    assert entries["PRIORITY"] == "6"
    assert entries["KAZASU_DETAIL"] == "x\nPRIORITY=0\n\\udcff"


@pytest.mark.parametrize(
    ("level", "priority"),
    [
        (logging.CRITICAL, "2"),
        (logging.ERROR, "3"),
        (logging.WARNING, "4"),
        (logging.INFO, "6"),
        (logging.DEBUG, "7"),
    ],
)
def test_levels_are_syslogs_priorities(handler: JournalHandler, level: int, priority: str) -> None:
    assert entries_of(handler.datagram(record_of("x", level)))["PRIORITY"] == priority


def test_a_failure_carries_its_traceback(root: logging.Logger) -> None:
    stream = io.StringIO()
    logs.set_up("info", {}, stream)
    with pytest.raises(ValueError, match="not-a-number") as raised:
        int("not-a-number")
    logs.failure(raised.value)

    assert 'failed detail="invalid literal' in stream.getvalue()
    assert stream.getvalue().count("Traceback") == 1
    assert "test_a_failure_carries_its_traceback" in stream.getvalue()


def test_a_record_reaches_the_journals_socket(handler: JournalHandler, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "socket"))

        handler.handle(record_of("tap", seq=7))

        assert entries_of(journal.recv(65536))["KAZASU_SEQ"] == "7"


def test_a_journal_that_is_gone_ends_nothing(handler: JournalHandler, capsys: pytest.CaptureFixture[str]) -> None:
    handler.handle(record_of("tap"))

    assert "FileNotFoundError" in capsys.readouterr().err


def test_a_stream_that_systemd_reads_is_replaced_by_the_journal(root: logging.Logger, tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w") as stream:
        status = (tmp_path / "stderr").stat()

        logs.set_up("info", {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}, stream)
        [journal] = root.handlers
        assert isinstance(journal, JournalHandler)
        journal.close()

        logs.set_up("info", {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"}, stream)
        [text] = root.handlers
        assert not isinstance(text, JournalHandler)


def test_libraries_log_to_the_same_place_at_the_same_level(root: logging.Logger) -> None:
    stream = io.StringIO()
    logs.set_up("warning", {}, stream)

    logging.getLogger("paho.mqtt.client").warning("socket closed")
    logging.getLogger("paho.mqtt.client").info("sending PINGREQ")

    assert stream.getvalue().endswith("WARNING  socket closed\n")
    assert "PINGREQ" not in stream.getvalue()


LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
PERSONAL = re.compile(r"\b(uid|idm|pin|pepper|serial|pseudonym|credential|cardholder|identifier|certificate|apdu)\b")


def log_calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of a logger in the package, with its place."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LOG_METHODS
                and re.fullmatch(r"_?log(ger)?|logging(\.getLogger\(.*\))?", ast.unparse(node.func.value))
            ):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


CALLS = dict(log_calls())


@pytest.mark.rule(7)
@pytest.mark.parametrize("place", CALLS)
def test_what_is_logged_is_an_event_and_listed_fields(place: str) -> None:
    call = CALLS[place]
    [event] = call.args
    assert isinstance(event, ast.Constant), "the event's name is fixed; what varies goes into fields"
    assert re.fullmatch("[a-z_]+", str(event.value))
    for keyword in call.keywords:
        if keyword.arg == "extra":
            shape = keyword.value
            assert isinstance(shape, ast.Dict)
            assert [ast.unparse(key) for key in shape.keys if key] == ["'fields'"]
            [listed] = shape.values
            assert isinstance(listed, ast.Dict)
            assert {ast.literal_eval(key) for key in listed.keys if key} <= FIELDS
            assert None not in listed.keys
            assert not PERSONAL.search(" ".join(map(ast.unparse, listed.values)))
        else:
            assert keyword.arg == "exc_info"


def test_every_listed_field_is_used() -> None:
    used = {str(node.value) for call in CALLS.values() for node in ast.walk(call) if isinstance(node, ast.Constant)}

    assert len(CALLS) > 20
    assert used >= FIELDS
