"""The broker, as who connects to it has to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.config import credential
from kazasu.publishers.settings import Broker

if TYPE_CHECKING:
    from kazasu.model import configuration_broker


def broker_of(configured: configuration_broker.Broker) -> Broker:
    """Name the broker, and the files to show and to check."""
    return Broker(
        host=configured.host,
        port=configured.port,
        ca_file=configured.ca,
        certificate_file=configured.certificate,
        key_file=credential(configured.key),
    )
