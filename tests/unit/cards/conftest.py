"""Cards and a site to read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.clock import FakeClock
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.virtual.issuer import JpkiIssuer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pseudonymizer() -> Pseudonymizer:
    return Pseudonymizer(bytes(range(32)))


@pytest.fixture
def clock() -> FakeClock:
    """Stands where the issuer's certificates are valid: they begin today."""
    clock = FakeClock()
    clock.at = JpkiIssuer().ca_certificate.not_valid_before_utc
    clock.advance(400 * 86400)
    return clock


@pytest.fixture
def issuer() -> JpkiIssuer:
    return JpkiIssuer()


@pytest.fixture
def ca_file(issuer: JpkiIssuer, tmp_path: Path) -> Path:
    file = tmp_path / "authca.pem"
    file.write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
    return file
