"""What the publisher has to be told."""

from __future__ import annotations

from pathlib import Path

import msgspec


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
