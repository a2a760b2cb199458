"""Which terminals have to be announced to Home Assistant. Pure: messages come in, messages to publish go out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.publishers.wire import Topics
from kazasu.site.fleet import MAX_TERMINALS, Fleet
from kazasu.site.home_assistant import DEVICES, STATUS, announced_components, discovery, discovery_topic

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from datetime import datetime

_MAX_PAYLOAD_BYTES = 64 * 1024


class Announcer:
    """Follows the terminals of a site and what is announced of them at the broker.

    A terminal's own certificate lets it write below its own name and nowhere else, so somebody else has to announce it.

    Args:
        site: the site's name.
        gone: terminals that are not announced any more.
        most: so many terminals are known at the most.

    Attributes:
        subscriptions: the topics to listen to.
    """

    def __init__(self, site: str, gone: Container[str] = (), most: int = MAX_TERMINALS) -> None:
        self._most = most
        everybody = Topics(site, "+")
        self.subscriptions = (everybody.state, everybody.info, everybody.health, DEVICES, STATUS)
        self._site = site
        self._ours = discovery_topic(site, "").removesuffix("/config")
        self._fleet = Fleet(site, gone, most)
        self._names: dict[str, str] = {}  # the topic of an announcement → whose
        self._announced: dict[str, bytes] = {}
        self._due: set[str] = set()

    def take(self, topic: str, payload: bytes, at: datetime) -> None:
        """Take one message; untrusted."""
        if topic == STATUS:
            if payload == b"online":
                self._due.update(self._fleet.terminals)
                self._announced.clear()
        elif topic.startswith("homeassistant/"):
            self._take_announcement(topic, payload)
        else:
            self._fleet.take(topic, payload, at)
            self._due |= self._fleet.changed()

    def _take_announcement(self, topic: str, payload: bytes) -> None:
        """What is announced of this site's terminals; of other devices nothing is kept."""
        if not topic.startswith(self._ours) or len(payload) > _MAX_PAYLOAD_BYTES:
            return
        if topic in self._announced or len(self._announced) < self._most:
            self._announced[topic] = payload
        if topic in self._names:
            self._due.add(self._names[topic])

    def due(self) -> Iterator[tuple[str, bytes]]:
        """Topic and payload of each announcement that is new or has changed; counts as made then."""
        for name in sorted(self._due):
            terminal = self._fleet.terminals[name]
            if not (terminal.health and terminal.info):
                continue  # the rest of it is on its way
            topic = discovery_topic(self._site, name)
            self._names[topic] = name
            before = self._announced.get(topic, b"")
            payload = discovery(self._site, terminal, announced_components(before))
            if payload != before:
                self._announced[topic] = payload
                yield topic, payload
        self._due.clear()
