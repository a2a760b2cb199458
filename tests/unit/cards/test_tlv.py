"""BER-TLV data objects out of a card's answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazasu.cards.tlv import find, is_tag


def found(data: str, *path: str) -> str | None:
    value = find(bytes.fromhex(data), [bytes.fromhex(tag) for tag in path])
    return None if value is None else value.hex().upper()


# ISO/IEC 7816-4:2020, 6.3: tags of one to three bytes, lengths of one to five
@pytest.mark.parametrize(
    ("data", "path", "value"),
    [
        ("C10155", ["C1"], "55"),
        ("C100", ["C1"], ""),
        ("5F200155", ["5F20"], "55"),
        ("5F81200155", ["5F8120"], "55"),
        ("C1810155", ["C1"], "55"),
        ("C182000155", ["C1"], "55"),
        ("C18400000001AA", ["C1"], "AA"),
        ("700CC20144C10155700401020304", ["70", "C1"], "55"),
        ("7006700470020102", ["70", "70", "70"], "0102"),
        ("00FF00C1015500", ["C1"], "55"),
        ("C20144C10155", ["C1"], "55"),
        ("C10155C10166", ["C1"], "55"),
        ("C10155", ["C2"], None),
        ("7003C10155", ["C1"], None),
        ("", ["C1"], None),
        ("0102", [], "0102"),
    ],
)
def test_the_object_at_the_end_of_a_path_is_found(data: str, path: list[str], value: str | None) -> None:
    assert found(data, *path) == value


@pytest.mark.parametrize(
    "data",
    ["C1", "C102AA", "C180AA0000", "C181", "C1820001", "C185000000000155", "5F", "5F81", "5F8181010155", "C2FF00"],
)
def test_what_is_no_object_is_an_error(data: str) -> None:
    with pytest.raises(ValueError, match=r"object|tag"):
        found(data, "C1")


def test_nothing_behind_what_was_found_matters() -> None:
    assert found("C10155C2FF", "C1") == "55"


@pytest.mark.parametrize("tag", ["53", "5F20", "5F8120", "DF01"])
def test_a_whole_tag_is_one(tag: str) -> None:
    assert is_tag(bytes.fromhex(tag))


@pytest.mark.parametrize("tag", ["", "00", "FF", "5F", "5320", "5F2020", "5F81", "5F818120"])
def test_anything_else_is_none(tag: str) -> None:
    assert not is_tag(bytes.fromhex(tag))


@given(
    st.recursive(
        st.binary(max_size=300).map(lambda value: (value, value)),
        lambda inner: inner.map(lambda pair: (wrapped(pair[0]), pair[1])),
    )
)
def test_what_was_wrapped_comes_out_again(pair: tuple[bytes, bytes]) -> None:
    data, value = pair
    depth = 0
    while data != value:
        data = find(data, [b"\x70"]) or b""
        depth += 1
    assert find(wrapped(value), [b"\x70"]) == value


def wrapped(value: bytes) -> bytes:
    """A template 70 around it, after another object; the length as short as it gets."""
    length = bytes([len(value)]) if len(value) < 0x80 else b"\x82" + len(value).to_bytes(2)
    return b"\xc1\x01\x55\x70" + length + value


@given(st.binary(max_size=60), st.lists(st.sampled_from([b"\x70", b"\xc1", b"\x5f\x20"]), max_size=4))
def test_any_bytes_are_read_or_a_value_error(data: bytes, path: list[bytes]) -> None:
    try:
        value = find(data, path)
    except ValueError:
        return
    assert value is None or value in data
