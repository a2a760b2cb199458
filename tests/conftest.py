"""What tests with a real pcscd share. All of them run in the sandbox; elsewhere they fail with words that say so."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from fakes.scripted_reader import free_pair_of_ports
from kazasu.virtual.issuer import JpkiIssuer
from kazasu.virtual.pcscd import PrivatePcscd
from kazasu.virtual.vpcd import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start.

    A shell has it ignored in what runs in its background, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who asks for the whole log looks at it last."""
    items.sort(key=lambda item: "whole_apdu_log" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def apdu_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file to which each slot of this run appends its exchanges."""
    path = tmp_path_factory.mktemp("apdus") / "apdus.jsonl"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KAZASU_APDU_LOG", str(path))
        yield path


@pytest.fixture
def whole_apdu_log(apdu_log: Path) -> Path:
    """The same file, for a test that runs after all the others."""
    return apdu_log


@pytest.fixture(scope="module")
def pcscd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePcscd]:
    """A private pcscd with two slots.

    A module's own, since only one can run in the sandbox and some tests stop, kill or configure theirs.
    """
    with PrivatePcscd(tmp_path_factory.mktemp("pcscd"), free_pair_of_ports()) as running:
        yield running


@pytest.fixture
def slot(pcscd: PrivatePcscd) -> Iterator[Slot]:
    """The first slot, empty; `Virtual PCD 00 00` to programs."""
    if not pcscd.pid:
        pcscd.start()
    with Slot(pcscd.ports[0]) as slot:
        yield slot
        slot.remove()
        if pcscd.pid:
            slot.wait_for(lambda: slot.vacant)


@pytest.fixture(scope="session")
def issuer() -> JpkiIssuer:
    """A JPKI authority that nobody trusts by itself; keys come from `kazasu.virtual.issuer.rsa_key`."""
    return JpkiIssuer()
