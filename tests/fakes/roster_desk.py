"""A desk that publishes rosters for tests, with a site key of its own."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kazasu.model.day_card import Loan
from kazasu.model.pepper import Pepper
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.site.day_card_desk import DayCardDesk
from kazasu.site.roster import RosterDesk
from kazasu.store.keys import new_pepper

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kazasu.site.published import Published
    from kazasu.site.roster import Publishes

PEPPER = Pepper([b"p" * 32])
HEADER = "cardholder,name,credential,min_assurance,valid_from,valid_until,levels\n"


class RetainedPost:
    """What stands at a broker; implements the Publishes seam."""

    def __init__(self) -> None:
        self.retained: dict[str, bytes] = {}
        self.published: list[str] = []

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        for topic, payload in messages:
            self.published.append(topic)
            if payload:
                self.retained[topic] = payload
            else:
                self.retained.pop(topic, None)


class TestDesk:
    """A desk with a folder, a key and a post.

    Args:
        folder: for its files.
        site: whose.
        post: where it publishes.
        signer: the site's key; without it one of its own.
        pepper: the site's; without it one that everybody knows.

    Attributes:
        pool: the numbers of its day cards; none if it is not set.
    """

    __test__ = False
    pool: str | None = None

    def __init__(
        self,
        folder: Path,
        site: str,
        post: Publishes,
        signer: Ed25519Signer | None = None,
        pepper: Pepper = PEPPER,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.signer = signer or Ed25519Signer(Ed25519PrivateKey.generate())
        self.verifier = Ed25519Verifier(self.signer.public)
        self.post = post
        self.now = datetime.now(UTC)
        self.pepper = pepper
        self.layer = pepper.newest
        self._site = site

    @property
    def desk(self) -> RosterDesk:
        """What publishes."""
        zone = ZoneInfo("Asia/Tokyo")
        return RosterDesk(self.folder, self._site, zone, self.pepper, self.layer, self.pool)

    @property
    def day_cards(self) -> DayCardDesk:
        """What lends."""
        return DayCardDesk(self.desk)

    def rekey(self) -> None:
        """Lay another layer over the pepper: what is written from now on is under it."""
        self.pepper = new_pepper(self.pepper)
        self.layer = self.pepper.newest

    def card(self, number: int) -> str:
        """A card's pseudonym under the first layer."""
        return f"{number:032x}"

    def staff(self, *numbers: int, level: str = "staff") -> None:
        """Write people.csv: people with these numbers, each with a card of the same number."""
        cards = {number: self.pepper.forms(self.card(number))[-1] for number in numbers}
        self.write(*(f"{number},Person {number},{card},serial,,,{level}" for number, card in cards.items()))

    def write(self, *lines: str) -> None:
        """Write people.csv."""
        (self.folder / "people.csv").write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")

    def publish(self, post: Publishes | None = None) -> Published:
        """Publish what people.csv says, by the desk's own post or another."""
        with self.desk.drafted(self.now, lambda _: None) as draft:
            return self.desk.publish(draft, self.signer, self.now, lambda: nullcontext(post or self.post))

    def lend(self, card: str, number: str, until: datetime) -> Published:
        """Lend a day card, and publish that."""
        self.day_cards.lend(card, Loan(number, until), self.now)
        return self._publish_day_cards()

    def take_back(self, card: str) -> Published:
        """Take a day card back, and publish that."""
        self.day_cards.take_back(card, self.now)
        return self._publish_day_cards()

    def _publish_day_cards(self) -> Published:
        with self.day_cards.drafted(self.now) as draft:
            return self.desk.publish(draft, self.signer, self.now, lambda: nullcontext(self.post))

    def revoke(self, *pseudonyms: str) -> Published:
        """Revoke cards."""
        return self.desk.revoke(pseudonyms, self.signer, self.now, self.post)
