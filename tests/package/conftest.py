"""Each package of dist/, installed in a Debian of its own; under emulation where it is for another processor."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kazasu import __version__
from package.root import TOP, Root

if TYPE_CHECKING:
    from collections.abc import Iterator

RELEASES = {"bookworm": 12, "trixie": 13}
ARCHITECTURES = ("amd64", "arm64")
CLONE_NEWNS = 0x20000  # unshare(2)
ANSWERS = """
site = "town-hall"
terminal = "entrance-1"
cards = ["felica"]
outputs = "terminal"
broker = "none"
"""


@pytest.fixture(
    scope="session", params=[f"{release}-{processor}" for processor in ARCHITECTURES for release in RELEASES]
)
def kind(request: pytest.FixtureRequest) -> str:
    """Release and architecture."""
    return str(request.param)


@pytest.fixture(scope="session")
def package(kind: str) -> Path:
    release, architecture = kind.split("-")
    path = TOP / "dist" / f"kazasu_{__version__}~deb{RELEASES[release]}_{architecture}.deb"
    if os.geteuid():
        pytest.skip("a Debian to install it in is made by root: sudo make deb-test")
    if not path.exists():
        pytest.skip(f"there is no dist/{path.name}: make deb RELEASE={release} ARCH={architecture}")
    return path


@pytest.fixture(scope="session")
def place(package: Path) -> Iterator[Path]:
    """Where the roots of one kind are: in memory (2 GB of it), mounted for this process only, so that none is left."""
    folder = TOP / "build/package"
    folder.mkdir(parents=True, exist_ok=True)
    assert ctypes.CDLL(None).unshare(CLONE_NEWNS) == 0
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="session")
def pristine(kind: str) -> Path:
    """The smallest Debian of that kind."""
    made = subprocess.run(
        [TOP / "packaging/make-root", *kind.split("-")], stdout=subprocess.PIPE, text=True, check=True
    )
    return Path(made.stdout.strip())


@pytest.fixture(scope="session")
def installed(package: Path, pristine: Path, place: Path) -> tuple[Root, str]:
    """A root in which the package was just installed, and what the installer saw; do not change it.

    What Debian has for it is fetched first, and then it is installed with no network at all.
    """
    root = Root(pristine).copy(place / "installed")
    file = root.bring(package)
    root.sh(f"apt-get update; apt-get install --yes --download-only {file}", network="yes")
    return root, root.sh(f"apt-get install --yes {file}")


@pytest.fixture(scope="session")
def worked(installed: tuple[Root, str], place: Path) -> Root:
    """Likewise, set up and with events in its journal; do not change it."""
    root = installed[0].copy(place / "worked")
    (root.path / "root/answers.toml").write_text(ANSWERS)
    setup = root.run("kazasu", "setup", "--answers", "/root/answers.toml", "--no-start")
    assert "1 problem found" in setup.stdout, setup.stdout  # no pcscd runs here
    root.work()
    return root


@pytest.fixture
def terminal(worked: Root, place: Path) -> Iterator[Root]:
    """A terminal of one's own, with events in its journal."""
    root = worked.copy(place / "terminal")
    yield root
    shutil.rmtree(root.path)


@pytest.fixture
def bare(installed: tuple[Root, str], place: Path) -> Iterator[Root]:
    """One of one's own that was never set up."""
    root = installed[0].copy(place / "bare")
    yield root
    shutil.rmtree(root.path)


@pytest.fixture(scope="session")
def newer(package: Path, place: Path) -> Path:
    """The same program under a higher version, with one file under another name."""
    tree = place / "newer"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(control.read_text().replace(f"\nVersion: {__version__}~", "\nVersion: 9.9~"))
    [program] = tree.glob("usr/lib/kazasu/lib/python*/site-packages/kazasu/__init__.py")
    program.write_text(program.read_text().replace(__version__, "9.9"))
    for stale in program.parent.glob("__pycache__/__init__.*"):
        stale.unlink()
    (tree / "usr/share/kazasu/roster.example.csv").rename(tree / "usr/share/kazasu/roster.sample.csv")
    file = place / "kazasu_9.9.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, file], check=True, stdout=subprocess.DEVNULL
    )
    shutil.rmtree(tree)
    return file
