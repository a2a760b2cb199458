"""The monitoring examples name what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import tomli

from fakes.fleet import HEALTH, SITE, SimulatedSite
from kazasu.collector.metrics import site_metrics

MONITORING = Path(__file__).resolve().parents[2] / "config" / "monitoring"


def metrics() -> set[str]:
    """Every metric that there can be."""
    site = SimulatedSite()
    site.in_order("hall-1", 3, alerts=1, door_main="open")
    site.alert("hall-1", "journal", "full")
    site.send("hall-1", "info", b'{"version":"1"}')
    site.send("hall-1", "event", b'{"event_type":"attendance.in","time":"2026-04-01T17:29:00.000+09:00"}')
    site.collector("one/health", stored=1, duplicates=1, refused=1, receipts=1, asked_again=1)
    site.collector("one/alert/store", message="full")
    site.collector("all/alert/hall-1/gap", count=1, message="12")
    text = site_metrics(SITE, site.fleet)
    return set(re.findall(r"^(kazasu_\w+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["kazasu-alerts.yml", "kazasu-alerts.test.yml", "kazasu-dashboard.json"])
def test_rules_and_dashboard_name_metrics_that_there_are(name: str) -> None:
    named = set(re.findall(r"\bkazasu_(?:terminal|collector|messages)_\w+", (MONITORING / name).read_text()))
    assert named
    assert named <= metrics()


def test_every_panel_of_the_dashboard_has_a_place_and_a_question() -> None:
    panels = json.loads((MONITORING / "kazasu-dashboard.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert all("$site" in target["expr"] for target in panel["targets"]), panel["title"]


def test_telegraf_takes_fields_that_there_are_and_no_person() -> None:
    events, health, _ = tomli.loads((MONITORING / "telegraf.conf").read_text())["inputs"]["mqtt_consumer"]
    wire = (MONITORING.parents[1] / "docs" / "wire.md").read_text()
    taken = events["json_v2"][0]["object"][0]
    assert set(taken["tags"]) < set(taken["included_keys"])
    for field in taken["included_keys"]:
        assert f"`{field}`" in wire
    assert not {"cardholder", "credential", "card", "duress"} & set(taken["included_keys"])
    assert {"epoch"} <= set(HEALTH)
    assert "epoch" in health["json_v2"][0]["object"][0]["excluded_keys"]
    assert (events["qos"], events["persistent_session"]) == (1, True)
