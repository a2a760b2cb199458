"""The TLS side of a connection to the broker: both ends show a certificate, and the host name is always checked."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NoReturn

from kazasu.errors import KeyMaterialError

if TYPE_CHECKING:
    from kazasu.publishers.settings import Broker


def client_context(broker: Broker) -> ssl.SSLContext:
    """Load the files and set the rules. Called for each connection, so a renewed certificate needs no restart.

    Raises:
        KeyMaterialError: a file is missing or cannot be used.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=broker.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise KeyMaterialError(
            f"{broker.ca_file}: {_words(error)}; it must hold the site's CA certificate as PEM"
        ) from error
    context.sslsocket_class = _ClosingSocket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(broker.certificate_file, broker.key_file, password=_refuse_password)
    except (OSError, ssl.SSLError) as error:
        raise KeyMaterialError(
            f"{broker.certificate_file} with {broker.key_file}: {_words(error)}; "
            "they must be a client certificate and the key to it, both PEM"
        ) from error
    return context


class _ClosingSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho forgets it then, and leaves it to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  (the signature of the standard library)
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def _refuse_password() -> NoReturn:
    """Without this OpenSSL asks on the terminal, and the daemon waits for ever."""
    raise KeyMaterialError("the broker's client key is encrypted: nobody is there to type its password")


def _words(error: OSError) -> str:
    return error.strerror or str(error)
