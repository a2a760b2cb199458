"""The collector's topics and payloads (docs/wire.md). Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import msgspec

from kazasu.model.document import canonical, signed
from kazasu.model.event import WIRE_VERSION

if TYPE_CHECKING:
    from kazasu.collector.records import Alert, Chain
    from kazasu.model.document import Signer

COMMAND_LIFE_S = 10
_LEVEL = re.compile(r"[^/+#\0]{1,64}")


class CollectorTopics:
    """The topics of a site's collectors.

    Args:
        site: the site's name.
        name: this collector's.
        group: of collectors that share the events among them; None if this one takes them all.
    """

    def __init__(self, site: str, name: str, group: str | None = None) -> None:
        base = f"kazasu/v{WIRE_VERSION}/{site}"
        events = f"{base}/up/+/event"
        self._base = base
        self.events = events if group is None else f"$share/{group}/{events}"
        self.healths = f"{base}/up/+/health"
        self.presence = f"{base}/down/all/collector"
        self.health = f"{base}/collector/{name}/health"
        self._own = f"{base}/collector/{name}/alert/"
        self._shared = f"{base}/collector/all/alert/"
        self.alerts = (f"{self._own}+", f"{self._shared}+/+")

    def terminal_of_health(self, topic: str) -> str:
        """Whose health topic it is; empty if it is none."""
        up, health = self.healths.split("+")
        return topic.removeprefix(up).removesuffix(health) if topic.startswith(up) and topic.endswith(health) else ""

    def receipt(self, terminal: str) -> str:
        """Where a terminal looks for its receipt."""
        return f"{self._base}/down/{terminal}/receipt"

    def command(self, terminal: str) -> str:
        """Where a terminal hears commands."""
        return f"{self._base}/down/{terminal}/command"

    def own_alert(self, kind: str) -> str:
        """An alert of this collector itself."""
        return f"{self._own}{kind}"

    def alert(self, terminal: str, kind: str) -> str:
        """An alert about a terminal: the same whichever collector says it."""
        return f"{self._shared}{terminal if _LEVEL.fullmatch(terminal) else 'unknown'}/{kind}"

    def is_alert(self, topic: str) -> bool:
        """Whether it is one that this collector raises and clears."""
        return topic.startswith((self._own, self._shared))

    def is_shared_alert(self, topic: str) -> bool:
        """Whether it is about a terminal."""
        return topic.startswith(self._shared)


class CollectorPayloads:
    """What a collector says: receipts and commands signed, the rest plain."""

    def __init__(self, site: str, name: str) -> None:
        self._site = site
        self._name = name

    def presence(self, state: str) -> bytes:
        """`online` or `offline`."""
        return canonical({"v": WIRE_VERSION, "state": state})

    def receipt(self, chain: Chain, signer: Signer) -> bytes:
        """Every event of the epoch up to `chain.seq` is kept."""
        fields: dict[str, int | str] = {
            "v": WIRE_VERSION,
            "site": self._site,
            "terminal": chain.terminal,
            "epoch": chain.epoch,
            "seq": chain.seq,
            "hash": chain.digest,
        }
        return signed(fields, signer).body

    def publish_again(
        self,
        terminal: str,
        epoch: str,
        missing: tuple[int, int],
        *,
        transaction: str,
        issued: str,
        signer: Signer,
    ) -> bytes:
        """Ask a terminal to publish a range of one epoch again."""
        fields: dict[str, int | str] = {
            "v": WIRE_VERSION,
            "type": "command",
            "site": self._site,
            "terminal": terminal,
            "command": "publish_again",
            "transaction": transaction,
            "issued": issued,
            "expires_s": COMMAND_LIFE_S,
            "epoch": epoch,
            "from": missing[0],
            "to": missing[1],
        }
        return signed(fields, signer).body

    def alert(self, alert: Alert) -> bytes:
        """A standing alert about a terminal."""
        return canonical(
            {
                "v": WIRE_VERSION,
                "site": self._site,
                "terminal": alert.terminal,
                "alert": alert.kind.value,
                "count": alert.count,
                "message": alert.detail,
                "time": alert.raised,
            }
        )

    def own_alert(self, kind: str, message: str) -> bytes:
        """A standing alert of this collector itself; without a time, so that saying it again is no news."""
        return canonical(self._whose() | {"alert": kind, "message": message})

    def health(self, fields: dict[str, int | str]) -> bytes:
        """Flat figures."""
        return canonical(fields | self._whose())

    def _whose(self) -> dict[str, int | str]:
        return {"v": WIRE_VERSION, "site": self._site, "collector": self._name}


class Announced(msgspec.Struct, frozen=True):
    """What the collector reads of a terminal's health: how far the broker took its events. Unsigned, a hint only."""

    epoch: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z")]
    acked_seq: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


_ANNOUNCED = msgspec.json.Decoder(Announced)


def announced(payload: bytes) -> Announced | None:
    """Read a terminal's health; None if there is nothing to be had from it."""
    try:
        return _ANNOUNCED.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
