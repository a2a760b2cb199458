"""Symmetric card keys by name and version, so that a site can roll them: old cards still work under the old one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kazasu.errors import KeyMaterialError

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSIONS: Final = range(256)


class SecretKey:
    """A key whose bytes only `bytes` shows."""

    __slots__ = ("_bytes",)

    def __init__(self, key: bytes) -> None:
        self._bytes = key

    def __repr__(self) -> str:
        """Without the key."""
        return f"SecretKey({len(self._bytes)} bytes)"

    @property
    def bytes(self) -> bytes:
        """The key."""
        return self._bytes


class VersionedKey:
    """One key's versions.

    Args:
        name: in the key file.
        versions: at least one, 0 to 255.
    """

    __slots__ = ("name", "versions")

    def __init__(self, name: str, versions: Mapping[int, SecretKey]) -> None:
        self.name = name
        self.versions = versions

    def __repr__(self) -> str:
        """Name and versions, without the keys."""
        return f"VersionedKey({self.name!r}, versions {', '.join(map(str, sorted(self.versions)))})"

    @property
    def newest(self) -> tuple[int, SecretKey]:
        """The highest version, and its key."""
        version = max(self.versions)
        return version, self.versions[version]

    def version(self, number: int) -> SecretKey | None:
        """The key of a version; None if there is no such version here."""
        return self.versions.get(number)

    def of_length(self, *lengths: int) -> VersionedKey:
        """The same key, once its length is known to be right.

        Args:
            lengths: allowed, in bytes.

        Raises:
            KeyMaterialError: a version has another length.
        """
        for number, key in self.versions.items():
            if len(key.bytes) not in lengths:
                allowed = " or ".join(str(length) for length in lengths)
                raise KeyMaterialError(
                    f"card key {self.name!r}, version {number}: has {len(key.bytes)} bytes where {allowed} are needed"
                )
        return self


class KeyRing:
    """The site's card keys.

    Args:
        keys: by name.
        source: where they came from, for errors.
    """

    __slots__ = ("_keys", "_source")

    def __init__(self, keys: Mapping[str, VersionedKey], source: str) -> None:
        self._keys = keys
        self._source = source

    def __repr__(self) -> str:
        """Names and versions, without the keys."""
        return f"KeyRing({', '.join(map(repr, self._keys.values()))})"

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._keys)

    def get(self, name: str) -> VersionedKey:
        """Find a key.

        Raises:
            KeyMaterialError: there is none of this name.
        """
        key = self._keys.get(name)
        if key is None:
            there = f"there are: {', '.join(self._keys)}" if self._keys else "it holds no key"
            raise KeyMaterialError(f"{self._source}: no card key is called {name!r}; {there}")
        return key
