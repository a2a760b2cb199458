"""The site's MQTT broker in the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from kazasu.model.setting import Duration, within
from kazasu.model.table import Table


class Broker(Table, frozen=True, kw_only=True):
    """Where it is, and what the two sides prove to each other who they are with."""

    host: Annotated[str, msgspec.Meta(min_length=1, description="a host name or address")]
    ca: Path
    certificate: Path
    key: Path
    port: Annotated[int, msgspec.Meta(ge=1, le=65535, description="a port, 1 to 65535")] = 8883


class Mqtt(Broker, frozen=True, kw_only=True):
    """[mqtt]."""

    ack_timeout: Duration = Duration(10)

    def __post_init__(self) -> None:
        within(self.ack_timeout, "ack_timeout", 1, 300)
