"""roster/codes.csv: the codes of people without a card, for all terminals; what `kazasu site set-code` writes.

What stands in it are pseudonyms under the site's pepper, and PINs hashed with a salt: without the pepper it tells
neither.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kazasu.errors import RosterError
from kazasu.model.code import KeptPin
from kazasu.site.directory import replace_file
from kazasu.store.roster_file import CodeTaken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kazasu.site.layers import Lift

_HEADER = "cardholder,code,salt,digest,duress_digest"
_LINE = re.compile(r"([^,\t]+),([0-9a-f]{32}),([0-9a-f]{32}),([0-9a-f]{64}),([0-9a-f]{64})?")


def read_codes(path: Path) -> dict[str, tuple[str, KeptPin]]:
    """Each person's code, by its pseudonym, and what is kept of the PINs; a missing file: nobody has one.

    Raises:
        RosterError: it is not as `kazasu site set-code` wrote it.
    """
    if not path.exists():
        return {}
    try:
        header, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    except UnicodeDecodeError as error:
        raise RosterError(f"{path}: not as `kazasu site set-code` writes it: {error}; bring the file back") from error
    codes: dict[str, tuple[str, KeptPin]] = {}
    taken: set[str] = set()
    for number, line in enumerate(lines, 2):
        match = _LINE.fullmatch(line)
        if match is None or header != _HEADER or match[1] in codes or match[2] in taken:
            raise RosterError(f"{path}, line {number}: not as `kazasu site set-code` writes it; bring the file back")
        salt, digest, duress = (bytes.fromhex(part or "") for part in match.group(3, 4, 5))
        codes[match[1]] = (match[2], KeptPin(salt=salt, digest=digest, duress_digest=duress or None))
        taken.add(match[2])
    return codes


def give_code(path: Path, number: str, pseudonym: str, kept: KeptPin) -> None:
    """Give a person a code, or another one in its place.

    Raises:
        CodeTaken: somebody else has it.
        RosterError: the file cannot be read.
    """
    codes = read_codes(path)
    if any(code == pseudonym and owner != number for owner, (code, _) in codes.items()):
        raise CodeTaken("somebody else has this code: take another; nothing was changed")
    _write(path, codes | {number: (pseudonym, kept)})


def take_code(path: Path, number: str) -> None:
    """Take a person's code away.

    Raises:
        RosterError: the person has none, or the file cannot be read.
    """
    codes = read_codes(path)
    if number not in codes:
        raise RosterError(f"{path}: {number} has no code")
    _write(path, {owner: code for owner, code in codes.items() if owner != number})


def codes_relaid(path: Path, new: Path, lift: Lift) -> None:
    """Write the codes under a later layer of the pepper to another file; durable on return.

    Raises:
        RosterError: the file cannot be read.
        KeyMaterialError: the other cannot be written.
    """
    codes = read_codes(path)
    _write(new, {number: (lift.pseudonym(code), lift.kept(pin)) for number, (code, pin) in codes.items()})


def _write(path: Path, codes: Mapping[str, tuple[str, KeptPin]]) -> None:
    lines = [_HEADER]
    for number, (pseudonym, kept) in sorted(codes.items()):
        duress = (kept.duress_digest or b"").hex()
        lines.append(f"{number},{pseudonym},{kept.salt.hex()},{kept.digest.hex()},{duress}")
    replace_file(path, "".join(f"{line}\n" for line in lines).encode(), 0o600)
