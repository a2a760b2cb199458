"""What a terminal has for a muster; orders/muster.py is how an operator works with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.moment import Moment
    from kazasu.ports.muster import MusterBoard


class Standing(Protocol):
    """What is asked of the muster service."""

    def stands(self, moment: Moment) -> bool:
        """Whether a muster has begun and has not ended."""
        ...

    def due(self, moment: Moment) -> Sequence[tuple[str, EventFields]]:
        """Event types and fields to record before anything else of this moment."""
        ...


class MeetingPoint(NamedTuple):
    """What a terminal has for a muster.

    Attributes:
        muster: the service; None where no reader is at a meeting point.
        board: keeps count of people; None where nobody is seen to enter anything.
    """

    muster: Standing | None = None
    board: MusterBoard | None = None
