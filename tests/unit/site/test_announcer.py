from __future__ import annotations

import json

import pytest

from fakes.fleet import HEALTH, SITE, START
from kazasu.publishers.wire import Payloads, Topics
from kazasu.site.announcer import Announcer
from kazasu.site.home_assistant import STATUS, discovery_topic

TOPIC = discovery_topic(SITE, "hall-1")


class Desk:
    """An announcer, and a terminal that it hears."""

    def __init__(self) -> None:
        self.announcer = Announcer(SITE)
        self.topics = Topics(SITE, "hall-1")
        self.payloads = Payloads(SITE, "hall-1")

    def hear(self, topic: str, payload: bytes) -> None:
        self.announcer.take(topic, payload, START)

    def health(self, **fields: int | str) -> None:
        self.hear(self.topics.health, self.payloads.fields(HEALTH | {"conn": 1} | fields, START.isoformat()))

    def info(self, version: str = "1.0") -> None:
        self.hear(self.topics.info, self.payloads.fields({"version": version}, START.isoformat()))

    def due(self) -> list[tuple[str, dict[str, object]]]:
        return [(topic, json.loads(payload)) for topic, payload in self.announcer.due()]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_terminal_is_announced_once_both_its_health_and_its_info_were_heard(desk: Desk) -> None:
    desk.health()
    assert desk.due() == []
    desk.info()
    assert [topic for topic, _ in desk.due()] == [TOPIC]
    assert desk.due() == []


def test_figures_that_change_are_no_news_and_a_new_reader_is(desk: Desk) -> None:
    desk.info()
    desk.health()
    desk.due()
    desk.health(unsent=5, temperature_c=50)
    assert desk.due() == []
    desk.health(reader_door="present")
    assert len(desk.due()) == 1


def test_another_version_is_announced(desk: Desk) -> None:
    desk.health()
    desk.info("1.0")
    desk.due()
    desk.info("1.1")
    assert [payload["device"] for _, payload in desk.due()] == [
        {
            "identifiers": ["kazasu_city-hall_hall-1"],
            "name": "hall-1",
            "manufacturer": "Kazasu",
            "model": "Terminal",
            "sw_version": "1.1",
        }
    ]


def test_what_the_broker_retains_already_is_not_announced_again(desk: Desk) -> None:
    desk.health()
    desk.info()
    ((topic, payload),) = desk.announcer.due()
    again = Desk()
    again.hear(topic, payload)
    again.health()
    again.info()
    assert again.due() == []


def test_when_home_assistant_comes_up_everything_is_announced_again(desk: Desk) -> None:
    desk.health()
    desk.info()
    desk.due()
    desk.hear(STATUS, b"offline")
    assert desk.due() == []
    desk.hear(STATUS, b"online")
    assert [topic for topic, _ in desk.due()] == [TOPIC]


def test_what_somebody_else_wrote_in_an_announcement_is_put_right(desk: Desk) -> None:
    desk.health()
    desk.info()
    desk.due()
    desk.hear(TOPIC, b"[" * 9999)
    assert [topic for topic, _ in desk.due()] == [TOPIC]
    desk.hear("homeassistant/device/somebody/config", b"{}")
    assert desk.due() == []


def test_of_other_devices_nothing_is_kept_and_of_its_own_not_without_an_end() -> None:
    announcer = Announcer(SITE, most=3)
    for topic in ("homeassistant/device/lamp/config", discovery_topic("elsewhere", "hall-1")):
        announcer.take(topic, b"{}", START)
    assert announcer._announced == {}
    for number in range(5):
        announcer.take(discovery_topic(SITE, f"hall-{number}"), b"{}", START)
    assert len(announcer._announced) == 3
