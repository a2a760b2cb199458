"""A machine with the package installed and set up, as an installer leaves it."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from vm.image import build
from vm.machine import Machine
from vm.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vm.image import Image

DIST = Path(__file__).parents[2] / "dist"


class Terminal(NamedTuple):
    """A terminal at work, and the site around it.

    Attributes:
        machine: running.
        site: its broker, collector and staff; the card reader is plugged in.
        transcript: what an installer has seen, line by line.
    """

    machine: Machine
    site: Site
    transcript: list[str]


@pytest.fixture(scope="session")
def image() -> Image:
    return build()


@pytest.fixture(scope="session")
def package() -> Path:
    """What `make deb` made last."""
    return max(DIST.glob("kazasu_*~deb12_amd64.deb"), key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="session")
def terminal(image: Image, package: Path) -> Iterator[Terminal]:
    """Installed, set up and running; a test that changes it puts it back."""
    with tempfile.TemporaryDirectory() as directory, Site(Path(directory) / "site") as site:
        with Machine(image, Path(directory)) as machine:
            transcript = [f"boot: takes commands after {machine.start():.1f} s"]
            transcript += install(machine, site, package)
            yield Terminal(machine, site, transcript)
        site.unplug()


def install(machine: Machine, site: Site, package: Path) -> list[str]:
    """Install the package as the README says, set the terminal up, and start it; returns what was seen."""
    seen = []

    def types(command: str) -> None:
        began_s = time.monotonic()
        out = machine.sh(command)
        seen.append(f"# {command}    ({time.monotonic() - began_s:.1f} s)")
        seen.extend(line for line in re.split(r"[\r\n]+", out) if line and not line.startswith("(Reading database"))

    machine.put(package.read_bytes(), f"/root/{package.name}")
    site.bring(machine)
    types(f"apt-get install -q -y /root/{package.name}")
    site.plug_in(machine)
    types("kazasu setup --answers /root/site/answers.toml")
    types("kazasu roster import /root/site/roster.csv")
    site.trust(machine)
    machine.wait_until("systemctl is-active kazasu")
    return seen


@pytest.fixture(scope="session")
def newer(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same program under a higher version."""
    directory = tmp_path_factory.mktemp("newer")
    tree = directory / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 9.9", control.read_text()))
    [program] = tree.glob("usr/lib/kazasu/lib/python*/site-packages/kazasu/__init__.py")
    program.write_text(re.sub(r'__version__ = ".*"', '__version__ = "9.9"', program.read_text()))
    for stale in program.parent.glob("__pycache__/__init__.*"):
        stale.unlink()
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", tree, directory / "kazasu_9.9.deb"], check=True)
    return directory / "kazasu_9.9.deb"
