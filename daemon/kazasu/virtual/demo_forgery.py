"""The part of the demo's fourth scene in which somebody makes up events and commands, with whatever certificate."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kazasu.collector.records import Kind
from kazasu.errors import BrokerUnsuitable
from kazasu.model.document import signed
from kazasu.model.signature import Ed25519Signer
from kazasu.publishers.exchange import exchanging
from kazasu.publishers.settings import Broker
from kazasu.publishers.wire import Topics
from kazasu.site.commands import CommandWriter
from kazasu.virtual.certificates import ThrowawayCa
from kazasu.virtual.demo_steps import Expected
from kazasu.virtual.site_terminal import GATE
from kazasu.virtual.small_site import SITE
from kazasu.virtual.tapping import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.virtual.demo_steps import Steps
    from kazasu.virtual.small_site import SmallSite

_WIDTH = 46 + 1 + 31 + 1 + 16  # demo_steps.py: what comes in front of what was recorded


class Forger:
    """Tries it at the site's first terminal.

    Args:
        site: set up.
        steps: taken there.
        say: prints a line.
    """

    def __init__(self, site: SmallSite, steps: Steps, say: Callable[[str], None]) -> None:
        self._site = site
        self._steps = steps
        self._say = say
        self._victim = site.terminals[0]
        self._topics = Topics(SITE, self._victim.name)
        self._key = Ed25519Signer(Ed25519PrivateKey.generate())

    def makes_up_a_punch(self) -> None:
        """A punch that nobody made: who publishes it decides how far it gets, and no further than the quarantine."""
        self._say(
            f"Somebody makes a punch of 1002 up, as of {self._victim.name}, signs it with a key of their own, sends it."
        )
        certificate = ThrowawayCa(self._site.directory, "stranger").client(self._victim.name)
        operations = self._site.site.broker("operations")
        stranger = Broker(
            host=operations.host,
            port=operations.port,
            ca_file=operations.ca_file,
            certificate_file=certificate.certificate_file,
            key_file=certificate.key_file,
        )
        self._is_turned_away("with a certificate of their own making", stranger, "hangs up")
        self._is_turned_away("with the certificate of operations", operations, "refuses: 0x87")
        self._reaches_the_quarantine()

    def commands(self, overheard: bytes) -> None:
        """Commands that the desk did not give now.

        Args:
            overheard: one that it gave a moment ago.
        """
        self._say(
            f"\nSomebody has the desk's certificate for the broker, but not the site's key, and wants the {GATE} open."
        )
        foreign = CommandWriter(SITE, self._key, "suzuki", lambda: datetime.now(UTC))
        forged = foreign.write(self._victim.name, "release", {"door": GATE}).payload
        topic = self._topics.command
        with exchanging(self._site.site.broker("desk"), "forger") as forger:
            for what, payload, retain, reason in (
                ("a command signed with a key of their own", forged, False, "badly_signed"),
                ("the desk's command from before, once more", overheard, False, "replayed"),
                ("the same, for the broker to keep", overheard, True, "retained"),
                ("the broker is made to forget it", b"", True, "retained"),
            ):
                publish = partial(forger.publish, topic, payload, retain=retain)
                self._steps.take(what, publish, Expected("command.refused", {"reason": reason}))

    def _is_turned_away(self, what: str, broker: Broker, expected: str) -> None:
        try:
            with exchanging(broker, "forger") as forger:
                forger.publish(self._topics.event, self._punch(), retain=False)
            came = "the broker took it"
        except BrokerUnsuitable as error:
            came = f"the broker refuses: {str(error).removeprefix(f'{self._topics.event}: ').partition(':')[0]}"
        except OSError:
            came = "the broker hangs up"
        self._tell(what, came, expected)

    def _reaches_the_quarantine(self) -> None:
        with exchanging(self._victim.broker, "forger") as forger:
            forger.publish(self._topics.event, self._punch(), retain=False)
        found = wait_for(lambda: any(alert.kind is Kind.REFUSED for alert in self._site.alerts()))
        came = "the broker takes it; the collector keeps it apart, refused" if found else "the collector took it"
        self._tell(f"with the certificate of {self._victim.name} itself", came, "refused")
        self._say("  Operations see that, look into it, and close the matter:")
        self._site.asks("collect", "alerts")
        self._site.asks("collect", "settle", self._victim.name, "refused")

    def _tell(self, what: str, came: str, expected: str) -> None:
        self._say(f"  {what:<{_WIDTH}} {came}")
        if expected not in came:
            self._steps.went_wrong(f"{what}: {came}")

    def _punch(self) -> bytes:
        """What the terminal's next event could be, had 1002 come."""
        fields = dict(next(each for each in self._victim.recorded() if each["event_type"] == "attendance.in"))
        del fields["keyid"], fields["sig"]
        seq = self._victim.backlog.last_seq() + 1
        return signed(fields | {"seq": seq, "id": f"{fields['epoch']}.{seq}", "cardholder": "1002"}, self._key).body
