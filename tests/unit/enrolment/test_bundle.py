"""The bundle: nobody without its code reads or changes it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from fakes.enrolment import DAY, NOW
from kazasu.enrolment import bundle
from kazasu.enrolment.code import meant, new_code
from kazasu.errors import EnrolmentRefused

if TYPE_CHECKING:
    from collections.abc import Callable

CODE = "K7QM-3XNP-8RTW"
PEPPER = "ab" * 32
CONTENT = bundle.Secrets(
    timezone="Asia/Tokyo",
    host="broker.example",
    port=8883,
    ca="ca",
    site_key="site",
    collector_key="collector",
    pepper=PEPPER,
    one_time_key="once",
)


@pytest.fixture(scope="module")
def sealed() -> bytes:
    return bundle.sealed("town-hall", "entrance-1", NOW + DAY, CONTENT, CODE)


def test_the_code_opens_it_however_it_is_typed(sealed: bytes) -> None:
    assert bundle.opened(sealed, " k7qm 3xnp8rtw") == CONTENT


def test_without_the_code_it_says_for_whom_it_is_and_nothing_else(sealed: bytes) -> None:
    outside = bundle.read(sealed)
    assert (outside.site, outside.terminal, outside.expires) == ("town-hall", "entrance-1", NOW + DAY)
    assert PEPPER.encode() not in sealed
    assert PEPPER not in repr(CONTENT)


def test_another_code_does_not_open_it(sealed: bytes) -> None:
    with pytest.raises(EnrolmentRefused, match="the code does not open the bundle for entrance-1"):
        bundle.opened(sealed, "K7QM-3XNP-8RTX")


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("terminal", lambda _: "entrance-2"),
        ("site", lambda _: "elsewhere"),
        ("expires", lambda text: text.replace("2026", "2036")),
        ("sealed", lambda text: base64.b64encode(b"\0" + base64.b64decode(text)[1:]).decode()),
        ("salt", lambda _: base64.b64encode(bytes(16)).decode()),
    ],
)
def test_nobody_changes_a_word_of_it(sealed: bytes, field: str, change: Callable[[str], str]) -> None:
    fields = json.loads(sealed)
    fields[field] = change(fields[field])
    with pytest.raises(EnrolmentRefused, match="the code does not open"):
        bundle.opened(json.dumps(fields).encode(), CODE)


@pytest.mark.parametrize(
    "payload", [b"", b"\xff", b"[]", b'{"v":1}', b'{"v":2,"type":"bundle"}', b"[" * 9999, b'{"type":"receipt"}']
)
def test_what_is_no_bundle_is_said(payload: bytes) -> None:
    with pytest.raises(EnrolmentRefused, match="this is no bundle"):
        bundle.opened(payload, CODE)


def test_a_field_more_is_another_versions(sealed: bytes) -> None:
    with pytest.raises(EnrolmentRefused, match="this is no bundle"):
        bundle.read(json.dumps(json.loads(sealed) | {"scrypt_n": 2}).encode())


def test_codes_are_new_each_time_and_cannot_be_misread() -> None:
    codes = {new_code() for _ in range(100)}
    assert len(codes) == 100
    assert not set("".join(codes)) & set("OILU")
    assert meant("o1il-0000") == "01110000"
