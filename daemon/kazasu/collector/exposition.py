"""Prometheus' text format, version 0.0.4: families of samples as lines. Pure.

prometheus_client would bring its own registry, which lives beside the state that is to be shown, and an HTTP server;
the format is one page. The tests read what is written here with prometheus_client's parser.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})
_IN_LABEL = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


class Kind(enum.StrEnum):
    """What a number is."""

    GAUGE = "gauge"
    COUNTER = "counter"


class Family(msgspec.Struct, kw_only=True):
    """All samples of one name.

    Attributes:
        name: of the metric; a counter's ends in `_total`.
        kind: what it is.
        help: what it means.
        samples: labels, and the number with them.
    """

    name: str
    kind: Kind
    help: str
    samples: list[tuple[dict[str, str], int | float]] = []


def written(families: Iterable[Family]) -> str:
    """Write families; those without a sample are left out."""
    return "".join(line + "\n" for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help.translate(_IN_HELP)}"
    yield f"# TYPE {family.name} {family.kind.value}"
    for labels, value in family.samples:
        yield f"{family.name}{_labels(labels)} {value}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{value.translate(_IN_LABEL)}"' for name, value in labels.items()) + "}"
