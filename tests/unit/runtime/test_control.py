"""The socket for commands at this machine: orders go in, answers come out, and nobody else is heard."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from fakes.health import FakeHealth
from kazasu.errors import OrderRefused
from kazasu.model.input import Ordered
from kazasu.model.order import Answer, Look, Release
from kazasu.runtime.control import ControlSocket
from kazasu.runtime.control_caller import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.model.input import Input


class Butler:
    """An inbox that answers at once: with what it was ordered."""

    def __init__(self) -> None:
        self.taken: list[Input] = []
        self.silent = False

    def put(self, item: Input) -> None:
        self.taken.append(item)
        if self.silent or not isinstance(item, Ordered):
            return
        refused = isinstance(item.order, Release)
        item.answer(Answer(ok=not refused, said="not today" if refused else f"well, {item.order.by}"))


class WaitedFor(FakeHealth):
    """Says when the socket is there."""

    def __init__(self) -> None:
        super().__init__()
        self.listening = threading.Event()

    def clear(self, alert_id: str) -> None:
        super().clear(alert_id)
        if alert_id == "control":
            self.listening.set()


class Lodge:
    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.path, self.butler, self.health = path, Butler(), WaitedFor()
        self._stack = stack

    def open(self, allowed: frozenset[int] | None = None, answer_s: float = 8.0) -> None:
        control = ControlSocket(self.path, self.butler, self.health, allowed=allowed, answer_s=answer_s, again_s=0.01)
        thread = threading.Thread(target=control.run, args=(lambda: None,))
        thread.start()

        def end() -> None:
            control.stop()
            thread.join()
            control.close()

        self._stack.callback(end)

    def say(self, *pieces: bytes) -> list[dict[str, object]]:
        """Say these bytes, hang up, and return what was answered."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.connect(str(self.path))
            for piece in pieces:
                caller.sendall(piece)
            caller.shutdown(socket.SHUT_WR)
            heard = b""
            while received := caller.recv(65536):
                heard += received
        return [json.loads(line) for line in heard.splitlines()]


@pytest.fixture
def lodge(tmp_path: Path) -> Iterator[Lodge]:
    with ExitStack() as stack:
        yield Lodge(tmp_path / "control", stack)


def test_an_order_reaches_the_terminal_and_its_answer_the_command(lodge: Lodge) -> None:
    lodge.open()
    caller = Caller(lodge.path)
    assert caller.order(Look(by="taro")) == "well, taro"
    assert caller.order(Look(by="花子")) == "well, 花子"
    caller.close()
    (first, _) = lodge.butler.taken
    assert isinstance(first, Ordered)
    assert first.order == Look(by="taro")


def test_a_refusal_says_why(lodge: Lodge) -> None:
    lodge.open()
    caller = Caller(lodge.path)
    with pytest.raises(OrderRefused, match="not today"):
        caller.order(Release(by="taro", door="gate"))
    caller.close()


def test_without_a_terminal_the_command_says_that_it_does_not_run(lodge: Lodge) -> None:
    with pytest.raises(OrderRefused, match="does not run"):
        Caller(lodge.path)
    lodge.open()
    lodge._stack.close()
    with pytest.raises(OrderRefused, match="does not run"):
        Caller(lodge.path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(lodge.path))  # what a killed terminal leaves behind
    with pytest.raises(OrderRefused, match="does not run"):
        Caller(lodge.path)
    lodge.open()
    Caller(lodge.path).close()


def test_a_socket_that_cannot_be_made_is_an_alert_and_is_made_once_it_can_be(tmp_path: Path) -> None:
    with ExitStack() as stack:
        lodge = Lodge(tmp_path / "missing" / "control", stack)
        lodge.open()
        assert "No such file or directory" in lodge.health.alerts["control"]
        lodge.path.parent.mkdir()
        assert lodge.health.listening.wait(60)
        assert lodge.health.alerts == {}
        caller = Caller(lodge.path)
        assert caller.order(Look(by="taro")) == "well, taro"
        caller.close()


def test_only_its_owner_may_reach_the_socket(lodge: Lodge) -> None:
    lodge.open()
    assert stat.S_IMODE(lodge.path.stat().st_mode) == 0o600


def test_somebody_else_is_not_heard_whatever_the_file_allows(lodge: Lodge) -> None:
    lodge.open(allowed=frozenset({os.geteuid() + 1}))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.connect(str(lodge.path))
        (answer,) = [json.loads(line) for line in caller.makefile("rb")]
    assert not answer["ok"]
    assert "only root" in answer["said"]
    assert lodge.butler.taken == []


def test_a_terminal_that_does_not_answer_is_not_waited_for_longer_than_that(lodge: Lodge) -> None:
    lodge.butler.silent = True
    lodge.open(answer_s=0.01)
    (answer,) = lodge.say(b'{"order":"look","by":"taro"}\n')
    assert not answer["ok"]
    assert "does not answer" in str(answer["said"])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"hello",
        b"\xff\xfe",
        b"[]",
        b'{"order":"open"}',
        b'{"order":"look"}',
        b'{"order":"look","by":""}',
        b'{"order":"look","by":"ta\\u0000ro"}',
        b'{"order":"look","by":"taro","door":"gate"}',
        b'{"order":"unlock","by":"taro","door":"gate","for_s":-1}',
        b'{"order":"unlock","by":"taro","door":"gate","for_s":1e9}',
        b'{"order":"simulate","by":"taro","door":"gate","input":"window","active":true}',
    ],
)
def test_what_is_no_order_is_answered_and_goes_no_further(lodge: Lodge, line: bytes) -> None:
    lodge.open()
    (wrong, right) = lodge.say(line + b"\n", b'{"order":"look","by":"taro"}\n')
    assert not wrong["ok"]
    assert str(wrong["said"]).startswith("no order: ")
    assert right == {"ok": True, "said": "well, taro"}
    assert len(lodge.butler.taken) == 1


def test_a_line_without_an_end_is_not_kept_for_ever(lodge: Lodge) -> None:
    lodge.open()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.connect(str(lodge.path))
        caller.sendall(b"x" * 16_385)
        answer = json.loads(caller.makefile("rb").readline())
    assert "at most 16384 bytes" in answer["said"]


def test_an_order_in_pieces_is_one_and_half_an_order_is_none(lodge: Lodge) -> None:
    lodge.open()
    assert lodge.say(b'{"order":"lo', b'ok","by":"taro"}\n{"order":') == [{"ok": True, "said": "well, taro"}]


def test_one_who_says_nothing_holds_up_nobody_and_too_many_are_told(lodge: Lodge) -> None:
    lodge.open()
    with ExitStack() as stack:
        for _ in range(7):
            stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)).connect(str(lodge.path))
        assert lodge.say(b'{"order":"look","by":"taro"}\n') == [{"ok": True, "said": "well, taro"}]
        eighth = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        eighth.connect(str(lodge.path))
        eighth.sendall(b'{"order":"look","by":"taro"}\n')
        assert b"well" in eighth.recv(4096)
        ninth = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        ninth.connect(str(lodge.path))
        assert b"8 commands" in ninth.recv(4096)
