"""Lets Home Assistant itself take the announcements beside this file, and the messages of a terminal after them.

Home Assistant asks for a newer Python than Kazasu and for exact versions of a hundred packages, so it is no dependency
of the tests: this is run by hand when an announcement changes, in an environment of its own.

    python3.13 -m venv /tmp/homeassistant
    /tmp/homeassistant/bin/pip install pytest-homeassistant-custom-component paho-mqtt
    /tmp/homeassistant/bin/pytest -c /dev/null --rootdir=. --noconftest --asyncio-mode=auto -p no:cacheprovider check.py

Tried with Home Assistant 2025.4.4 (Python 3.13.0, which takes no newer one): every kind of event that is announced, the
roster's included.
"""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from homeassistant.components.mqtt.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry, entity_registry
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

HERE = Path(__file__).parent
HEALTH: dict[str, int | str] = {
    "alerts": 0,
    "certificate_days": -2,
    "collector": "online",
    "conn": 3,
    "disk_free_mb": 11_000,
    "door_front_1": "locked",
    "journal_percent": 3,
    "oldest_unacked_age_s": 0,
    "reader_desk": "present",
    "reader_in": "present",
    "reader_out": "missing",
    "roster_made_s": 1_775_032_200,
    "roster_version": 12,
    "temperature_c": 45,
    "time_error_ms": -1,
    "time_source": "ntp",
    "unsent": 0,
}


class House:
    """Home Assistant with one terminal announced."""

    def __init__(self, hass: HomeAssistant, vector: str) -> None:
        self.hass = hass
        self.announcement: dict[str, Any] = json.loads((HERE / f"{vector}.json").read_text(encoding="utf-8"))
        self.device: str = self.announcement["device"]["identifiers"][0]
        self.up: str = self.announcement["availability"][0]["topic"].removesuffix("/state")

    async def hear(self, topic: str, payload: object) -> None:
        async_fire_mqtt_message(self.hass, topic, json.dumps(payload))
        await self.hass.async_block_till_done()

    async def announce(self) -> None:
        await self.hear(f"homeassistant/device/{self.device}/config", self.announcement)
        await self.hear(f"{self.up}/state", {"v": 1, "state": "online", "conn": 3})
        await self.hear(f"{self.up}/health", HEALTH)

    def state(self, component: str) -> str:
        return str(self.entity(component).state)

    def entity(self, component: str) -> Any:
        registry = entity_registry.async_get(self.hass)
        platform = self.announcement["components"][component]["platform"]
        entity_id = registry.async_get_entity_id(platform, DOMAIN, f"{self.device}_{component}")
        assert entity_id is not None, f"{component} became no entity"
        state = self.hass.states.get(entity_id)
        assert state is not None, entity_id
        return state


@pytest.fixture
def expected_lingering_timers() -> bool:
    """The MQTT client that stands in for the broker's keeps a timer of its own."""
    return True


@pytest.fixture
async def mqtt(mock_hass_config: None, mqtt_mock_entry: Any, caplog: pytest.LogCaptureFixture) -> Any:
    await mqtt_mock_entry()
    caplog.clear()
    yield
    complaints = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert complaints == []


@pytest.mark.parametrize("vector", ["recorder", "door"])
async def test_every_component_becomes_an_entity_with_a_state(hass: HomeAssistant, mqtt: Any, vector: str) -> None:
    house = House(hass, vector)
    await house.announce()
    assert device_registry.async_get(hass).async_get_device({(DOMAIN, house.device)}) is not None
    unknown = {
        component
        for component in house.announcement["components"]
        if house.state(component) in {"unknown", "unavailable"}
    }
    assert unknown == {"event", "time_error_ms"}  # nothing happened yet; -1 is unknown
    assert house.state("certificate_days") == "-2"
    assert house.state("alerts") == "off"
    assert house.state("roster_made_s") == "2026-04-01T08:30:00+00:00"


async def test_a_door_opens_and_alarms(hass: HomeAssistant, mqtt: Any) -> None:
    house = House(hass, "door")
    await house.announce()
    seen = {}
    for state in ("locked", "unlocked", "open", "held_open", "propped", "fire_release"):
        await house.hear(f"{house.up}/health", HEALTH | {"door_front_1": state})
        seen[state] = tuple(house.state(f"door_front_1_{part}") for part in ("contact", "lock", "alarm", "state"))
    assert seen == {
        "locked": ("off", "off", "off", "locked"),
        "unlocked": ("off", "on", "off", "unlocked"),
        "open": ("on", "off", "off", "open"),
        "held_open": ("on", "off", "on", "held_open"),
        "propped": ("unknown", "on", "off", "propped"),
        "fire_release": ("unknown", "on", "on", "fire_release"),
    }
    assert (house.state("reader_in"), house.state("reader_out")) == ("off", "on")


async def test_an_event_arrives_without_the_person(hass: HomeAssistant, mqtt: Any) -> None:
    house = House(hass, "door")
    await house.announce()
    event = {
        "v": 1,
        "event_type": "door.denied",
        "time": "2026-04-01T17:30:00.000+09:00",
        "door": "front-1",
        "reason": "out_of_hours",
        "cardholder": "1001",
        "credential": "ab" * 16,
        "sig": "x",
    }
    await house.hear(f"{house.up}/event", event)
    attributes = house.entity("event").attributes
    assert attributes["event_type"] == "door.denied"
    assert (attributes["door"], attributes["reason"]) == ("front-1", "out_of_hours")
    assert not {"cardholder", "credential", "sig"} & attributes.keys()


@pytest.mark.parametrize("vector", ["recorder", "door"])
async def test_every_kind_of_event_that_is_announced_is_taken(hass: HomeAssistant, mqtt: Any, vector: str) -> None:
    house = House(hass, vector)
    await house.announce()
    for event_type in house.announcement["components"]["event"]["event_types"]:
        await house.hear(
            f"{house.up}/event", {"v": 1, "event_type": event_type, "time": "2026-04-01T17:30:00.000+09:00"}
        )
        assert house.entity("event").attributes["event_type"] == event_type


async def test_when_it_is_offline_only_that_is_known(hass: HomeAssistant, mqtt: Any) -> None:
    house = House(hass, "recorder")
    await house.announce()
    await house.hear(f"{house.up}/state", {"v": 1, "state": "offline", "conn": 3, "cause": "connection_lost"})
    assert house.state("connection") == "off"
    others = {house.state(component) for component in house.announcement["components"] if component != "connection"}
    assert others == {"unavailable"}


async def test_a_component_that_is_taken_back_goes(hass: HomeAssistant, mqtt: Any) -> None:
    house = House(hass, "door")
    await house.announce()
    changed = house.announcement | {
        "components": house.announcement["components"] | {"door_front_1_contact": {"platform": "binary_sensor"}}
    }
    await house.hear(f"homeassistant/device/{house.device}/config", changed)
    registry = entity_registry.async_get(hass)
    unique_id = f"{house.device}_door_front_1_contact"
    assert registry.async_get_entity_id("binary_sensor", DOMAIN, unique_id) is None
    assert house.state("door_front_1_lock") == "off"
