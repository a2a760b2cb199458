"""What a desk knows of each terminal while it waits."""

from __future__ import annotations

import json

import pytest

from fakes.commands import FORGER, SITE
from fakes.journal import SIGNER
from kazasu.model.document import signed
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.publishers.reasons import NO_SUBSCRIBER, SUCCESS
from kazasu.publishers.wire import Topics
from kazasu.site.command_round import Progress, Reached, Tally
from kazasu.site.commands import read_answer

pytestmark = pytest.mark.rule(8)

FRONT, BACK = Topics(SITE, "front"), Topics(SITE, "back")
ASKED = "5a" * 16


def answer(transaction: str = ASKED, *, ok: int = 1, terminal: str = "front", signer: Ed25519Signer = SIGNER) -> bytes:
    fields: dict[str, int | str] = {
        "v": 1,
        "type": "answer",
        "site": SITE,
        "terminal": terminal,
        "transaction": transaction,
        "ok": ok,
        "said": "gate: unlocked",
        "seq": 7,
    }
    return signed(fields, signer).body


@pytest.fixture
def tally() -> Tally:
    key = [Ed25519Verifier(SIGNER.public)]
    tally = Tally(SITE, {"front": key, "back": key})
    tally.sent("front", 1, ASKED)
    return tally


@pytest.mark.parametrize(("ok", "reached"), [(1, Reached.DONE), (0, Reached.REFUSED)])
def test_a_terminals_own_word_ends_it(tally: Tally, ok: int, reached: Reached) -> None:
    assert tally.acknowledged(1, SUCCESS) is None
    assert tally.heard(FRONT.answer, answer(ok=ok)) == Progress("front", reached, "gate: unlocked", 7)
    assert tally.all_ended
    assert tally.in_flight == 0
    assert tally.heard(FRONT.answer, answer(ok=ok)) is None


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (FRONT.answer, answer("5b" * 16)),
        (BACK.answer, answer(terminal="back")),
        (FRONT.health, answer()),
        ("kazasu/v1/city/up/attic/answer", answer()),
    ],
)
def test_another_answer_is_none(tally: Tally, topic: str, payload: bytes) -> None:
    assert tally.heard(topic, payload) is None
    (progress,) = tally.unanswered()
    assert progress == Progress("front", Reached.NO_ANSWER, "no answer within 12 s")


@pytest.mark.parametrize("payload", [b"", answer(signer=FORGER), answer(terminal="back")])
def test_what_the_terminal_did_not_sign_ends_nothing_and_is_told(tally: Tally, payload: bytes) -> None:
    assert tally.heard(FRONT.answer, payload) is None
    (progress,) = tally.unanswered()
    assert progress.said.startswith("an answer came that the terminal did not sign: ")


@pytest.mark.parametrize(
    ("code", "reached", "said"), [(NO_SUBSCRIBER, Reached.NOT_HEARD, "nobody hears"), (0x87, Reached.NOT_SENT, "0x87")]
)
def test_what_the_broker_does_not_pass_on_ends_it(tally: Tally, code: int, reached: Reached, said: str) -> None:
    ended = tally.acknowledged(1, code)
    assert ended is not None
    assert (ended.terminal, ended.reached) == ("front", reached)
    assert ended.said.startswith(said)
    assert tally.all_ended
    assert tally.acknowledged(1, code) is None


def test_who_is_there_the_broker_knows(tally: Tally) -> None:
    assert not tally.all_known
    tally.heard(FRONT.state, b'{"state":"online"}')
    tally.heard(BACK.state, b'{"state":"offline"}')
    assert tally.all_known
    assert (tally.is_offline("front"), tally.is_offline("back")) == (False, True)


@pytest.mark.parametrize("topic", ["", "x", "/", "front/answer", "kazasu/v1/elsewhere/up/front/answer"])
def test_what_comes_on_a_topic_that_nobody_asked_for_is_let_fall(tally: Tally, topic: str) -> None:
    assert tally.heard(topic, answer()) is None
    assert not tally.all_ended


def test_no_word_of_an_answer_moves_a_cursor() -> None:
    fields = json.loads(answer()) | {"said": "one\x1b[2J\ntwo"}
    body = signed({name: value for name, value in fields.items() if name not in {"keyid", "sig"}}, SIGNER).body
    _, verdict = read_answer(body, SITE, "front", [Ed25519Verifier(SIGNER.public)])
    assert verdict.said == "one�[2J\ntwo"
