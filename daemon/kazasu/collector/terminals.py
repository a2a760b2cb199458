"""Who may say what: the site's directory of terminals, `<id>.toml` as `kazasu site` writes it, or `<id>.pub.pem`.

The directory is looked at again every few seconds, so that a terminal that was added or revoked needs no restart. What
cannot be read then is said, and what was known before goes on to count.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from kazasu.config import load_table
from kazasu.errors import ConfigurationError
from kazasu.model.signature import Ed25519Verifier
from kazasu.site.terminal_record import TerminalRecord
from kazasu.store.keys import load_verifier, verifier_in

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_PEM = ".pub.pem"
_TOML = ".toml"


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """What the site says of a terminal.

    Attributes:
        keys: its event keys by their names, the revoked ones included.
        revoked: names of keys that count for nothing new any more.
    """

    keys: Mapping[str, Ed25519Verifier]
    revoked: frozenset[str] = frozenset()

    @property
    def gone(self) -> bool:
        """Whether no key of its counts any more."""
        return bool(self.keys) and self.keys.keys() <= self.revoked


class TerminalDirectory:
    """The directory, and what was last read from it.

    Args:
        path: where.

    Attributes:
        terminals: by name.
    """

    def __init__(self, path: Path) -> None:
        self.terminals: Mapping[str, Registered] = {}
        self._path = path
        self._seen: tuple[tuple[str, int, int], ...] | None = None

    def read(self) -> bool:
        """Look again; returns whether something changed.

        Raises:
            ConfigurationError: the directory or a file in it cannot be used; `terminals` stays as it was.
            KeyMaterialError: likewise.
        """
        try:
            files = sorted(
                (entry.name, entry.stat().st_mtime_ns, entry.stat().st_size)
                for entry in os.scandir(self._path)
                if entry.name.endswith((_PEM, _TOML))
            )
        except OSError as error:
            raise ConfigurationError(
                f"{self._path}: cannot be read: {error.strerror}; it is the directory of the site's terminals"
            ) from error
        if tuple(files) == self._seen:
            return False
        terminals: dict[str, Registered] = {}
        for file, _, _ in files:
            name = file.removesuffix(_TOML).removesuffix(_PEM)
            if not _NAME.fullmatch(name):
                raise ConfigurationError(f"{self._path / file}: {name!r} is no terminal's name")
            if name in terminals:
                raise ConfigurationError(f"{self._path}: {name} stands there twice, as {_TOML} and as {_PEM}")
            terminals[name] = self._registered(file)
        self.terminals = terminals
        self._seen = tuple(files)
        return True

    def shared_keys(self) -> dict[str, tuple[str, ...]]:
        """Terminals that are registered with one key, by the key's name."""
        owners: dict[str, list[str]] = {}
        for name, registered in self.terminals.items():
            for keyid in registered.keys:
                owners.setdefault(keyid, []).append(name)
        return {keyid: tuple(names) for keyid, names in owners.items() if len(names) > 1}

    def _registered(self, file: str) -> Registered:
        path = self._path / file
        if file.endswith(_PEM):
            verifier = load_verifier(path)
            return Registered(keys={verifier.keyid: verifier})
        record = load_table(path, TerminalRecord, lambda _: ())
        if f"{record.id}{_TOML}" != file:
            raise ConfigurationError(
                f"{path}: id: it is the record of {record.id!r}; a file is named after its terminal"
            )
        keys, revoked = {}, set()
        for key in record.event_keys:
            verifier = verifier_in(key.pem.encode(), path)
            keys[verifier.keyid] = verifier
            if key.revoked_at is not None or record.state == "revoked":
                revoked.add(verifier.keyid)
        return Registered(keys=keys, revoked=frozenset(revoked))
