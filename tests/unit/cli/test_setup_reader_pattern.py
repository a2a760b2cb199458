"""A reader is found again, and no other."""

from __future__ import annotations

import pytest

from kazasu.cli.setup.reader_pattern import propose

ACR1252 = [
    "ACS ACR1252 Dual Reader [ACR1252 Dual Reader PICC] 00 00",
    "ACS ACR1252 Dual Reader [ACR1252 Dual Reader SAM] 01 00",
]
RC_S300 = "SONY FeliCa RC-S300/P (0123456) 00 00"


@pytest.mark.parametrize(
    ("names", "patterns"),
    [
        (ACR1252, {ACR1252[0]: "*PICC*"}),
        ([RC_S300], {RC_S300: "SONY FeliCa RC-S300/P*"}),
        ([*ACR1252, RC_S300], {ACR1252[0]: "*PICC*", RC_S300: "SONY FeliCa RC-S300/P*"}),
        (["Virtual PCD 00 00", "Virtual PCD 00 01"], {
            "Virtual PCD 00 00": "Virtual PCD* 00", "Virtual PCD 00 01": "Virtual PCD* 01",
        }),
        (["ACS ACR122U PICC Interface 00 00", "ACS ACR122U PICC Interface 01 00"], {
            "ACS ACR122U PICC Interface 00 00": "ACS ACR122U PICC Interface 00 00",
            "ACS ACR122U PICC Interface 01 00": "ACS ACR122U PICC Interface 01 00",
        }),
        (["A reader without an index"], {"A reader without an index": "A reader without an index"}),
        ([], {}),
    ],
)  # fmt: skip
def test_a_pattern_fits_a_reader_after_it_was_plugged_in_again(names: list[str], patterns: dict[str, str]) -> None:
    assert propose(names) == patterns
