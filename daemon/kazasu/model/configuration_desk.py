"""The file of an operations desk: a machine without a terminal that makes roll calls (docs/operations.md)."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from kazasu.model.configuration_broker import Mqtt
from kazasu.model.configuration_muster import Muster
from kazasu.model.table import Name, Table


class Desk(Table, frozen=True, kw_only=True):
    """The whole file."""

    site: Name
    mqtt: Mqtt
    muster: Muster
    timezone: ZoneInfo = ZoneInfo("Asia/Tokyo")
    roster: Path | None = None
