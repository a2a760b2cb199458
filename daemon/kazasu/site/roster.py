"""The site's roster at the desk: from the people's file to signed messages, with a look at what changes in between.

    roster/people.csv      who is known, with which cards and levels: the columns of `kazasu roster import`
    roster/codes.csv       optional: codes of people without a card (codes.py)
    roster/day_cards.csv   optional: day cards that are lent (day_cards.py)
    roster/levels.toml     optional: [[levels]], [[schedules]] and [[holidays]] for all terminals, as in kazasu.toml
    roster/published.toml  what stands at the broker
    roster/published.txt   the text of the roster that was published last

In constant memory, whatever the number of people: texts are read a line at a time, and parts are written to files.
"""

from __future__ import annotations

import hashlib
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from kazasu.errors import RosterError
from kazasu.model.document import signed
from kazasu.model.roster_manifest import (
    EVERY_TERMINAL,
    MANIFEST_BYTES,
    MAX_REVOKED,
    Manifest,
    Offer,
    index_of,
)
from kazasu.model.roster_seal import PartSeal
from kazasu.model.roster_text import (
    cut,
    delta_line,
    differences,
    standing,
)
from kazasu.publishers.wire import Topics
from kazasu.site.day_cards import DayCardBook
from kazasu.site.layers import Lift
from kazasu.site.published import Published, read_published, write_published
from kazasu.site.published_text import PublishedText, lines_in_file
from kazasu.site.roster_draft import drafted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime, tzinfo

    from kazasu.model.document import Signer
    from kazasu.model.pepper import Pepper
    from kazasu.site.roster_draft import Draft

VALID_FOR = timedelta(days=90)
"""So long a roster counts as fresh: an older one is an alert at each terminal, and a new terminal does not take it."""


class Publishes(Protocol):
    """A way to the broker: post.py."""

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Publish topics and payloads to be retained, in order, and return once the broker has taken all of them."""
        ...


class RosterDesk:
    """Publishes rosters.

    Args:
        folder: the site's `roster`.
        site: its name.
        zone: its time zone: its midnights bound the dates in people.csv.
        pepper: its pepper.
        layer: of that, that the files are under.
        pool: which numbers in people.csv are cards that it lends; None: it lends none.

    Attributes:
        folder: the same.
        layer: the same.
        book: which cards are lent; see day_card_desk.py.
    """

    def __init__(
        self, folder: Path, site: str, zone: tzinfo, pepper: Pepper, layer: str, pool: str | None = None
    ) -> None:
        self.book = DayCardBook(folder / "day_cards.csv", pool, zone)
        self.folder = folder
        self._site = site
        self._pepper = pepper
        self.layer = layer
        self._topics = Topics(site, EVERY_TERMINAL)

    @property
    def published(self) -> Published:
        """What stands at the broker; what an older Kazasu published is under the first layer of the pepper.

        Raises:
            RosterError: nobody can say.
        """
        published = read_published(self.folder / "published.toml")
        if published.pepper or not published.sha256:
            return published
        return msgspec.structs.replace(published, pepper=self._pepper.ids[0])

    @property
    def text(self) -> PublishedText:
        """The text of that."""
        return PublishedText(self.folder / "published.txt", self.published.sha256)

    def drafted(self, now: datetime, progress: Callable[[int], None]) -> AbstractContextManager[Draft]:
        """Make a roster of the desk's files, and compare it with the last one; see roster_draft.py.

        Args:
            now: which day cards are lent then.
            progress: told the number of lines of people.csv read, now and then.
        """
        published = self.published
        lift = Lift(self._pepper, published.pepper or self.layer, self.layer)
        return drafted(self.folder, published, lift, self.book, now, progress)

    def publish(
        self, draft: Draft, signer: Signer, now: datetime, connect: Callable[[], AbstractContextManager[Publishes]]
    ) -> Published:
        """Publish a roster: its parts, then the manifest; then what nobody needs any more goes.

        If the manifest does not get through, it is the last roster all the same, and goes out with the next call.

        Args:
            draft: what.
            signer: the site's key.
            now: since when the site vouches for it.
            connect: opens a connection; called when all is packed, since a broker does not wait for that.

        Raises:
            RosterError: it is too large.
            BrokerUnsuitable: the broker refused something; terminals have what they had.
            OSError: likewise, the broker is gone, or the disk is full.
        """
        before = self.published
        with tempfile.TemporaryDirectory(prefix=".parts-", dir=self.folder) as name:
            parts = Path(name)
            after = self._packed(draft, before, parts)
            with connect() as post:
                reserved = (*before.left, *after.offers)
                self._keep(msgspec.structs.replace(before, version=after.version, left=reserved))
                post.publish_all((topic, (parts / part).read_bytes()) for topic, part in self._topics_of(after.offers))
                # First the text: a crash in between leaves a base that no terminal has, and they take the whole.
                # And both before the manifest: once a terminal may have it, nothing signed leads back behind it.
                self.text.keep(draft.text)
                self._keep(after)
                self._publish_manifest(after, signer, now, post)
                post.publish_all((topic, b"") for topic, _ in self._topics_of(after.left))
        published = msgspec.structs.replace(after, left=())
        self._keep(published)
        self.book.drop_old(now)
        return published

    def _packed(self, draft: Draft, before: Published, parts: Path) -> Published:
        """Write the parts of a roster to files."""
        version = before.version + 1
        seal = PartSeal(self._pepper, self.layer, self._site, EVERY_TERMINAL)
        full = _offer(parts, "full", version, cut(lines_in_file(draft.text)), seal)
        delta = None
        # Nothing leads from one layer to the other but who holds both.
        if before.sha256 and before.sha256 != draft.sha256 and before.pepper == self.layer:
            delta_lines = (delta_line(*pair) for pair in differences(self.text.lines(), lines_in_file(draft.text)))
            delta = _offer(parts, "delta", version, cut(delta_lines), seal)
            if delta.size_bytes >= full.size_bytes:
                delta = None  # the whole is the shorter way
        return Published(
            version=version,
            pepper=self.layer,
            people=draft.people,
            credentials=draft.credentials,
            codes=draft.codes,
            sha256=draft.sha256,
            size_bytes=draft.size_bytes,
            full=full,
            base=0 if delta is None else before.version,
            base_sha256="" if delta is None else before.sha256,
            delta=delta,
            revoked=draft.revoked,
            left=(*before.left, *before.offers),
        )

    def revoke(self, pseudonyms: Iterable[str], signer: Signer, now: datetime, post: Publishes) -> Published:
        """Let cards be worth nothing at every terminal that is connected, at once; the roster stays as it is.

        A card may be named as it was called under an older layer of the pepper, as an old event has it: terminals know
        it by each of its names.

        Raises:
            RosterError: nothing was published yet, or more is revoked than a manifest holds.
            BrokerUnsuitable: the broker refused it.
            OSError: likewise, the broker is gone, or the disk is full.
        """
        before = self.published
        if before.full is None:
            raise RosterError("no roster was published yet: `kazasu site publish` comes first")
        asked = sorted({*self._as_published(pseudonyms, before.pepper)})
        revoked = tuple(dict.fromkeys((*asked, *before.revoked)))
        if len(revoked) > MAX_REVOKED:
            revoked = self._most_needed(asked, before.revoked)
        after = msgspec.structs.replace(before, version=before.version + 1, revoked=revoked)
        self._keep(after)
        self._publish_manifest(after, signer, now, post)
        return after

    def _most_needed(self, asked: Sequence[str], before: tuple[str, ...]) -> tuple[str, ...]:
        """Leave out cards that earlier rosters ended, for as many as there is no room."""
        known = standing(before, self.text.lines())
        needed = dict.fromkeys((*asked, *(each for each in before if each in known)))
        if len(needed) > MAX_REVOKED:
            raise RosterError(
                f"{len(needed)} cards are too many to revoke at once: take them out of people.csv, publish"
            )
        return tuple(dict.fromkeys((*needed, *before)))[:MAX_REVOKED]

    def _as_published(self, pseudonyms: Iterable[str], layer: str) -> Iterator[str]:
        """What these are called in the roster that was published last; one that is not in it stays as it is."""
        names = {
            self._pepper.lifted(pseudonym, since, layer): pseudonym
            for pseudonym in pseudonyms
            for since in self._pepper.ids[self._pepper.place_of(layer) :: -1]
        }
        known = standing(names, self.text.lines())
        yield from known
        yield from set(names.values()) - {names[name] for name in known}

    def _publish_manifest(self, published: Published, signer: Signer, now: datetime, post: Publishes) -> None:
        if published.full is None:
            raise ValueError("a manifest is of a roster")
        manifest = Manifest(
            site=self._site,
            aud=EVERY_TERMINAL,
            version=published.version,
            made_s=0,
            expires_s=0,
            pepper=published.pepper,
            people=published.people,
            credentials=published.credentials,
            codes=published.codes,
            sha256=published.sha256,
            size_bytes=published.size_bytes,
            full=published.full,
            base=published.base,
            base_sha256=published.base_sha256,
            delta=published.delta,
            revoked=published.revoked,
        )
        body = signed(manifest.fields(now, VALID_FOR), signer).body
        if len(body) > MANIFEST_BYTES:
            raise RosterError(f"the manifest has {len(body)} bytes, and at most {MANIFEST_BYTES} are sent")
        post.publish_all([(self._topics.roster_of_all, body)])

    def _topics_of(self, offers: Iterable[Offer]) -> Iterator[tuple[str, str]]:
        """The topics of all their parts, and what each is called."""
        for offer in offers:
            yield from ((self._topics.roster_part(offer.version, name), name) for name in offer.names)

    def _keep(self, published: Published) -> None:
        write_published(self.folder / "published.toml", published)


def _offer(folder: Path, kind: str, version: int, parts: Iterator[bytes], seal: PartSeal) -> Offer:
    """Write the parts, sealed, and their index to files."""
    digests: list[bytes] = []
    size_bytes = 0
    for number, part in enumerate(parts):
        name = f"{kind}-{number}"
        sealed = seal.sealed(name, part)
        (folder / name).write_bytes(sealed)
        digests.append(hashlib.sha256(sealed).digest())
        size_bytes += len(sealed)
    indexes = index_of(digests)
    for number, index in enumerate(indexes):
        (folder / f"{kind}-index-{number}").write_bytes(index)
    return Offer(
        kind=kind,
        version=version,
        parts=len(digests),
        size_bytes=size_bytes,
        index=tuple(hashlib.sha256(index).hexdigest() for index in indexes),
    )
