"""The dates of a card's certificate: they count by the terminal's clock, unless it is unset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import CardRefused
from kazasu.model.access import DenyReason
from kazasu.model.moment import TimeSource

if TYPE_CHECKING:
    from datetime import datetime

    from kazasu.model.moment import Moment


def expect_valid(valid_from: datetime, valid_until: datetime, moment: Moment, remedy: str) -> None:
    """Refuse a certificate outside its dates; both ends belong to them.

    Args:
        valid_from: first second in which it and its CA's are valid, aware.
        valid_until: last such second, aware.
        moment: now.
        remedy: who renews it.

    Raises:
        CardRefused: CERTIFICATE_NOT_YET_VALID, CERTIFICATE_EXPIRED.
    """
    if moment.source is TimeSource.NONE:
        return
    if moment.at < valid_from:
        raise CardRefused(
            DenyReason.CERTIFICATE_NOT_YET_VALID, "the certificate on the card, or its CA's, is not valid yet"
        )
    if moment.at > valid_until:
        raise CardRefused(
            DenyReason.CERTIFICATE_EXPIRED, f"the certificate on the card, or its CA's, has expired; {remedy}"
        )
