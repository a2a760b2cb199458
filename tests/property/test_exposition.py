"""Prometheus' text format against the parser of its own Python library."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from kazasu.collector.exposition import Family, Kind, written

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_VALUES = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.tuples(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), _TEXT), _VALUES), min_size=1),
    _TEXT,
)
@settings(max_examples=60)
def test_what_is_written_is_what_is_read(samples: list[tuple[dict[str, str], float]], text: str) -> None:
    page = written([Family(name="kazasu_x", kind=Kind.GAUGE, help=f"Of {text}.", samples=samples)])
    (family,) = text_string_to_metric_families(page)
    assert [sample.labels for sample in family.samples] == [labels for labels, _ in samples]
    assert all(math.isclose(sample.value, value) for sample, (_, value) in zip(family.samples, samples, strict=True))
