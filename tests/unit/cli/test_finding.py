"""How the doctor's lines look."""

from __future__ import annotations

from kazasu.cli.finding import Finding, Grade, _lines


def test_what_to_do_stands_under_what_was_found() -> None:
    finding = Finding(Grade.PROBLEM, "disk", "/data is missing\nand more", "make it")
    assert list(_lines(finding, coloured=False)) == [
        "problem  disk           /data is missing",
        "                        and more",
        "                        → make it",
    ]


def test_colour_is_beside_the_word_and_never_instead_of_it() -> None:
    [line] = _lines(Finding(Grade.OK, "disk", "there"), coloured=True)
    assert line == "\x1b[32mok      \x1b[0m disk           there"
