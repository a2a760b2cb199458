"""The site key is replaced: first both count, then the new one alone (enrolment/succession.py has the document)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kazasu.enrolment.succession import succession
from kazasu.errors import KazasuError
from kazasu.model.signature import Ed25519Signer
from kazasu.site.directory import replace_file
from kazasu.site.pem import key_pem, public_pem, unlocked
from kazasu.store.keys import read_checked

if TYPE_CHECKING:
    import datetime as dt

    from kazasu.site.directory import Site

_FOLDER = "site_keys"


def begin(site: Site, passphrase: str, now: dt.datetime) -> str:
    """Make the next site key and let both count; returns the next one's name. A second call changes nothing.

    Raises:
        KeyMaterialError: the passphrase is wrong, or a key cannot be used or written.
    """
    with site.locked():
        present = site.unlock(passphrase)
        if not site.key_file("site.next").exists():
            replace_file(site.key_file("site.next"), key_pem(Ed25519PrivateKey.generate(), passphrase), 0o600)
        following = _next(site, passphrase)
        keys = [public_pem(present.public).decode(), public_pem(following.public).decode()]
        _keep(site, present, keys, now)
        return following.keyid


def finish(site: Site, passphrase: str, now: dt.datetime) -> str:
    """Let the next site key count alone; returns its name.

    The old key's last act is to name its successor, for terminals that come back after a long time.

    Raises:
        KazasuError: there is no next key, or an invitation is open whose terminal knows the old one only.
        KeyMaterialError: the passphrase is wrong, or a key cannot be used or written.
    """
    with site.locked():
        if not site.key_file("site.next").exists():
            raise KazasuError("no new site key takes over: `kazasu site rotate-key` begins it")
        waiting = [record.id for record in site.terminals().values() if record.invitation is not None]
        if waiting:
            raise KazasuError(
                f"invited and not here yet: {', '.join(waiting)}; their bundles name the old key: accept them, or"
                " revoke them, first"
            )
        present, following = site.unlock(passphrase), _next(site, passphrase)
        pem = public_pem(following.public).decode()
        if present.keyid != following.keyid:  # else an earlier call lost its power here
            _keep(site, present, [pem], now)
            replace_file(site.key_file("site"), site.key_file("site.next").read_bytes(), 0o600)
        replace_file(site.file("site.pub"), pem.encode(), 0o644)
        site.key_file("site.next").unlink()
        return following.keyid


def documents(site: Site) -> dict[str, bytes]:
    """What every site key so far has said of its successors, by its name: to be retained at the broker."""
    return {file.stem: file.read_bytes() for file in sorted(site.file(_FOLDER).glob("*.json"))}


def _keep(site: Site, signer: Ed25519Signer, keys: list[str], now: dt.datetime) -> None:
    folder = site.file(_FOLDER)
    folder.mkdir(exist_ok=True)
    replace_file(folder / f"{signer.keyid}.json", succession(site.name, keys, now, signer).body, 0o644)


def _next(site: Site, passphrase: str) -> Ed25519Signer:
    path = site.key_file("site.next")
    key = unlocked(read_checked(path, "next site key", secret=True), passphrase, path)
    if not isinstance(key, Ed25519PrivateKey):
        raise KazasuError(f"{path} holds a key that is not Ed25519: remove it, and begin anew")
    return Ed25519Signer(key)
