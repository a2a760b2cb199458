"""What the publisher has to be told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kazasu.model.document import Signer, Verifier


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """A broker, and what the two sides prove to each other who they are with.

    Attributes:
        host: name or address; the broker's certificate must name it.
        port: TCP port.
        ca_file: PEM: the site's CA; no other is trusted.
        certificate_file: PEM: this client's certificate, whose CN is its name in the broker's access list.
        key_file: PEM: the private key to it.
    """

    host: str
    port: int
    ca_file: Path
    certificate_file: Path
    key_file: Path


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the site decides.

    Attributes:
        site: the site's name.
        terminal: this terminal's name; also its MQTT client identifier and the CN of its certificate.
        broker: where to publish.
        ack_timeout_s: how long the broker may leave everything unanswered before the connection is given up.
        info: versions and capabilities for `up/…/info`; flat.
    """

    site: str
    terminal: str
    broker: Broker
    ack_timeout_s: float = 10.0
    info: dict[str, int | str] = {}


class Powers(Protocol):
    """What a command may do to the process, beside the terminal's own orders. The publisher's thread."""

    def reload(self) -> str:
        """Check the configuration and what it names; returns what is wrong, empty if nothing is."""
        ...

    def restart(self) -> None:
        """End the process in order, soon; something else starts it again."""
        ...


class Commanding(NamedTuple):
    """Who may command this terminal, and what it needs for that.

    Attributes:
        keys: the site's public keys, one or more.
        signer: the terminal's own key, which signs answers.
        powers: over the process.
    """

    keys: Sequence[Verifier]
    signer: Signer
    powers: Powers
