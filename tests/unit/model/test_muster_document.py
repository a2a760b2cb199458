"""Statements on the wire: flat, below 64 KiB, and several where one does not hold all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fakes.journal import SIGNER
from kazasu.errors import SignatureInvalid
from kazasu.model.muster import OUT, Movement, Statement
from kazasu.model.muster_document import pages, read

if TYPE_CHECKING:
    from kazasu.model.access import EventFields

NOW_MS = 1_800_000_000_123
LIMIT_BYTES = 64 * 1024 - 512  # the packet's head and its topic want room, too


def statement(people: int = 3, number: str = "{:06}", **more: int | dict[str, int] | None) -> Statement:
    return Statement(
        terminal="gate-1",
        epoch="0123456789abcdef",
        seq=42,
        at_ms=NOW_MS,
        clock_unset=False,
        movements=tuple(
            Movement(number=number.format(each), area=("hall", "server-room", OUT)[each % 3], at_ms=NOW_MS - each)
            for each in range(people)
        ),
        **more,  # type: ignore[arg-type]
    )


def fields(documents: tuple[bytes, ...]) -> list[EventFields]:
    return [json.loads(document) for document in documents]


def test_a_document_as_docs_wire_md_shows_it() -> None:
    (document,) = fields(pages(statement(begun_ms=NOW_MS - 9, present={"000001": NOW_MS}), "town-hall", SIGNER))
    del document["sig"]
    assert document == {
        "v": 1,
        "site": "town-hall",
        "terminal": "gate-1",
        "epoch": "0123456789abcdef",
        "seq": 42,
        "time": "2027-01-15T08:00:00.123+00:00",
        "clock": "set",
        "pages": 1,
        "page": 1,
        "begun": NOW_MS - 9,
        "area_1": "hall",
        "people_1": f"000000@{NOW_MS}",
        "area_2": "server-room",
        "people_2": f"000001@{NOW_MS - 1}",
        "area_3": "",
        "people_3": f"000002@{NOW_MS - 2}",
        "present": f"000001@{NOW_MS}",
        "keyid": SIGNER.keyid,
    }


def test_two_and_a_half_thousand_people_are_one_document_and_more_are_several() -> None:
    assert len(pages(statement(2500), "town-hall", SIGNER)) == 1
    whole = statement(9000, present={f"{each:06}": NOW_MS for each in range(4000)}, begun_ms=NOW_MS)
    documents = pages(whole, "town-hall", SIGNER)
    assert len(documents) > 1
    assert max(map(len, documents)) <= LIMIT_BYTES
    again = read(fields(documents), "town-hall", "gate-1")
    assert sorted(again.movements, key=str) == sorted(whole.movements, key=str)
    assert again.present == whole.present


@pytest.mark.parametrize("number", ["\u5c71\u7530{:06}" + "\u5c71" * 90, '"\\{:06}@ @'])
def test_numbers_of_any_printable_kind_fit(number: str) -> None:
    whole = statement(900, number)
    documents = pages(whole, "town-hall", SIGNER)
    assert max(map(len, documents)) <= LIMIT_BYTES
    assert set(read(fields(documents), "town-hall", "gate-1").movements) == set(whole.movements)


def test_nobody_is_a_document_too() -> None:
    assert read(fields(pages(statement(0), "town-hall", SIGNER)), "town-hall", "gate-1").movements == ()


def test_pages_of_two_moments_or_too_few_do_not_belong_together() -> None:
    old, new = (fields(pages(statement(6000, begun_ms=begun), "town-hall", SIGNER)) for begun in (None, NOW_MS))
    assert len(old) > 1
    for torn in ([old[0], *new[1:]], old[:1], [*reversed(old)]):
        with pytest.raises(ValueError, match="not of one moment"):
            read(torn, "town-hall", "gate-1")


@pytest.mark.parametrize(
    "change",
    [
        {"people_1": "000000"},
        {"people_1": "000000@soon"},
        {"people_1": "@1800000000000"},
        {"people_1": ""},
        {"present": "000000@-1"},
        {"present": "000000@" + "9" * 15},
        {"begun": 10**14},
        {"begun": -1},
        {"seq": "42"},
        {"time": "yesterday"},
        {"time": "2027-01-15T08:00:00"},
        {"v": 2},
        {"site": "other"},
        {"terminal": "gate-2"},
    ],
    ids=str,
)
def test_what_is_no_statement_of_this_terminal_is_refused(change: EventFields) -> None:
    (document,) = fields(pages(statement(), "town-hall", SIGNER))
    with pytest.raises(SignatureInvalid):
        read([document | change], "town-hall", "gate-1")
