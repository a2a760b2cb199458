"""Files that an installer brings along: looked at before they are taken, and put in place all together.

Certificates, keys and the configuration are written beside their places first, and moved there in one go, with signals
held back: whoever presses Ctrl-C finds all of them changed or none. What was there before stays as NAME.old.
"""

from __future__ import annotations

import contextlib
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from kazasu.errors import KeyMaterialError
from kazasu.store.durable import sync_directory, write_durable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cryptography import x509

_MAX_BYTES = 256 * 1024

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PUBLIC = 0o644
SECRET = 0o600


class NewFile(NamedTuple):
    """A file that is to be there.

    Attributes:
        path: where.
        content: what it holds.
        mode: PUBLIC or SECRET.
    """

    path: Path
    content: bytes
    mode: int

    @property
    def there(self) -> bool:
        """Whether it is there already, just so."""
        try:
            return self.path.read_bytes() == self.content and self.path.stat().st_mode & 0o777 == self.mode
        except OSError:
            return False


def read(path: Path, what: str) -> bytes:
    """Read a file that the installer named.

    Raises:
        KeyMaterialError: it cannot be read, or is too large to be `what`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise KeyMaterialError(f"{path}: {error.strerror}") from error
    if len(content) > _MAX_BYTES:
        raise KeyMaterialError(f"{path} is larger than {_MAX_BYTES // 1024} KiB: this is no {what}")
    return content


def check_ca(path: Path, now: datetime) -> None:
    """Check that a file holds certificates of the broker's CA.

    Args:
        path: PEM; one or more.
        now: aware; a certificate that has expired by then is refused.

    Raises:
        KeyMaterialError: what is wrong with it.
    """
    for certificate in _certificates(path):
        _check_dates(certificate, path, now)


def check_client_certificate(path: Path, terminal: str, now: datetime) -> None:
    """Check that a file holds this terminal's certificate.

    Args:
        path: PEM; the client's own first, then perhaps those between it and the CA.
        terminal: the terminal's id, which has to be the certificate's CN: the broker's access list goes by it.
        now: aware.

    Raises:
        KeyMaterialError: what is wrong with it.
    """
    from cryptography.x509.oid import NameOID

    certificate = _certificates(path)[0]
    names = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [terminal]:
        raise KeyMaterialError(
            f"{path} was issued for CN={', '.join(names) or 'nobody'} and not for this terminal, {terminal}"
        )
    _check_dates(certificate, path, now)


def check_client_key(path: Path, certificate_path: Path | None) -> None:
    """Check that a file holds a private key, and the one to a certificate if that is known.

    Raises:
        KeyMaterialError: what is wrong with it.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    pem = read(path, "key")
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise KeyMaterialError(
            f"{path} is encrypted, and nobody is there to type its password:"
            f" `openssl pkey -in {path.name} -out client.key` takes it off"
        ) from error
    except ValueError as error:
        raise KeyMaterialError(f"{path} holds no private key in PEM") from error
    if certificate_path is None:
        return
    certified = _certificates(certificate_path)[0].public_key()
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != certified.public_bytes(*form):
        raise KeyMaterialError(f"{path} is not the key to {certificate_path}")


def _certificates(path: Path) -> list[x509.Certificate]:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(read(path, "certificate"))
    except ValueError as error:
        raise KeyMaterialError(
            f"{path} holds no certificate in PEM; a binary one is converted with"
            f" `openssl x509 -inform DER -in {path.name} -out {path.stem}.pem`"
        ) from error


def _check_dates(certificate: x509.Certificate, path: Path, now: datetime) -> None:
    """Refuse what has expired. What is not valid yet is `doctor`'s business: a new Pi's clock is behind."""
    ends = certificate.not_valid_after_utc
    if ends < now.astimezone(UTC):
        raise KeyMaterialError(f"{path} expired on {ends:%Y-%m-%d}: get a new one")


def make_folders(files: Sequence[NewFile]) -> None:
    """Make the folders that are missing; those for secrets are their owner's alone.

    Raises:
        PermissionError: this user may not.
    """
    for file in files:
        file.path.parent.mkdir(mode=0o755 if file.mode == PUBLIC else 0o700, parents=True, exist_ok=True)


def install(files: Sequence[NewFile]) -> None:
    """Put files in their places, durably: all of them, or, if one cannot be written, none.

    Args:
        files: in this order; the folders are there, and files that are there just so stay untouched.

    Raises:
        OSError: a file cannot be written; nothing was changed.
    """
    changed = [file for file in files if not file.there]
    with contextlib.ExitStack() as undo:
        for file in changed:
            undo.callback(_staged(file.path).unlink, missing_ok=True)
            _write(_staged(file.path), file.content, file.mode)
        with signals_held():
            for file in changed:
                _keep_old(file)
                _staged(file.path).replace(file.path)
            for folder in {file.path.parent for file in changed}:
                sync_directory(folder)


def old(path: Path) -> Path:
    """Where the file before is kept."""
    return path.with_name(path.name + ".old")


def _staged(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _write(path: Path, content: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)  # of an earlier run that lost its power
    write_durable(path, content, mode)


def _keep_old(file: NewFile) -> None:
    """Give what is there a second name, so that its first is never without a file; only its mode is not worth that."""
    path = file.path
    if not path.exists() or path.read_bytes() == file.content:
        return
    if file.mode == SECRET:
        path.chmod(SECRET)
    link = _staged(old(path))
    link.unlink(missing_ok=True)
    link.hardlink_to(path)
    link.replace(old(path))
    link.unlink(missing_ok=True)  # rename(2) leaves both names if they are one file's already


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Let signals that would end the program come afterwards. The main thread.

    They are noted and not blocked: one that the main thread blocks comes through any other, and lgpio brings one along.
    """
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in reversed(before.items()):
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)
