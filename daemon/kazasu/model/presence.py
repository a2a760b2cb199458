"""What an event says of where people are: read by all who keep count of it, so that they count alike.

A tap that is a punch, too, has one event, and says of the other services what services/together.py adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kazasu.model.access import EventFields

OUTSIDE = "outside"
"""The area that is none: who enters it is out. Doors lead in from it if the site does not say otherwise."""

_PARTY = ("second_person", "visitor")


def answered(fields: EventFields) -> tuple[str, str]:
    """What a door answered, and why: `granted` or `denied`, and a reason; empty if the event says nothing of it."""
    match fields["event_type"]:
        case "door.granted":
            return "granted", ""
        case "door.denied":
            return "denied", str(fields.get("reason", ""))
    return str(fields.get("door_decision", "")), str(fields.get("door_reason", ""))


def party_of(fields: EventFields) -> list[str]:
    """Everybody whom the event of a grant lets through: whoever tapped, and with whom they enter."""
    return [str(fields[name]) for name in ("cardholder", *_PARTY) if name in fields]


def movements_in(fields: EventFields) -> list[tuple[str, str]]:
    """Who entered which area, by number; nobody where no area is known."""
    area = fields.get("area")
    if area is None or answered(fields)[0] != "granted":
        return []
    return [(number, str(area)) for number in party_of(fields)]


def present_in(fields: EventFields) -> str | None:
    """Who was seen at a meeting point, by number."""
    if fields["event_type"] == "muster.present" or fields.get("muster_decision") == "granted":
        return str(fields["cardholder"])
    return None
