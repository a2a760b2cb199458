"""What an installer and their successors do to the package, and what has to be left of it.

Everything but the download of what Debian has is done without a network, and as root. There is no systemd here; with
it, tests/vm installs and upgrades a terminal at work.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from kazasu import __version__
from package.root import TOP

if TYPE_CHECKING:
    from pathlib import Path

    from package.root import Root

HOME = "usr/lib/kazasu"
KEPT = ("etc/kazasu", "var/lib/kazasu")
IMPORT_ALL = """
import importlib, pkgutil, sys
import kazasu
others = ("__main__", ".postgresql")  # the driver is Debian's, and only suggested
names = [name for _, name, _ in pkgutil.walk_packages(kazasu.__path__, "kazasu.") if not name.endswith(others)]
names += ["cryptography.hazmat.bindings._rust", "_cffi_backend", "gpiozero", "gpiozero.pins.lgpio", "lgpio"]
names += ["holidays", "msgspec._core", "paho.mqtt.client", "smartcard.System", "smartcard.scard", "tomli", "tzdata"]
names += ["zoneinfo"]
for name in names:
    importlib.import_module(name)
outside = [m.__file__ for m in sys.modules.values() if "dist-packages" in str(getattr(m, "__file__", ""))]
assert not outside, outside
print(len(names))
"""
USE_ALL = """
import lgpio, smartcard.scard as scard
from zoneinfo import ZoneInfo
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.generate()
key.public_key().verify(key.sign(b"tap"), b"tap")
result, _ = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
print(hex(result & 0xFFFFFFFF), ZoneInfo("Asia/Tokyo"))
try:
    lgpio.gpiochip_open(99)
except lgpio.error as error:
    print(error)
"""


def test_the_package_carries_the_program_s_version(installed: tuple[Root, str], package: Path) -> None:
    version = installed[0].sh("dpkg-query --show --showformat '${Version}' kazasu")
    assert package.name.split("_")[1] == version
    assert version.startswith(f"{__version__}~deb")
    assert installed[0].sh("kazasu --version").strip() == f"kazasu {__version__}"


def test_without_a_network_it_installs_says_what_comes_next_and_is_enabled(installed: tuple[Root, str]) -> None:
    root, seen = installed
    assert "run 'sudo kazasu setup' next" in seen
    assert root.sh("dpkg --audit; dpkg --verify kazasu") == ""
    assert (root.path / "etc/systemd/system/multi-user.target.wants/kazasu.service").is_symlink()
    assert not root.files("etc/kazasu"), "what does not exist yet cannot start"
    assert root.sh("stat -c '%a %U:%G %n' /etc/kazasu /etc/kazasu/keys /var/lib/kazasu").splitlines() == [
        "755 root:root /etc/kazasu",
        "700 root:root /etc/kazasu/keys",
        "700 kazasu:kazasu /var/lib/kazasu",
    ]
    assert {"gpio", "i2c", "input"} <= set(root.sh("id --name --groups kazasu").split())


def test_the_whole_unit_is_understood_by_this_release_s_systemd(installed: tuple[Root, str]) -> None:
    said = installed[0].run("systemd-analyze", "verify", "kazasu.service", "kazasu@door.service").stdout
    assert [line for line in said.splitlines() if "kazasu" in line] == []


def test_every_module_can_be_imported_and_every_library_answers(installed: tuple[Root, str]) -> None:
    root, _ = installed
    python = f"/{HOME}/bin/python3 -sPB -c"
    assert int(root.sh(f"{python} '{IMPORT_ALL}'")) > 60
    used = root.sh(f"{python} '{USE_ALL}'")
    assert "0x8010001d Asia/Tokyo" in used, "libpcsclite says that no pcscd runs"
    assert "open" in used
    assert "Terminal entrance-1" in root.sh("kazasu check-config --config /usr/share/kazasu/kazasu.toml")
    assert "staff-aes128.toml" in root.sh("ls /usr/share/kazasu/cards.d")


def test_every_library_finds_its_own_and_runs_on_a_kernel_with_large_pages(installed: tuple[Root, str]) -> None:
    root, _ = installed
    libraries = [path for path in root.files(HOME) if path.endswith(".so")]
    assert len(libraries) > 6
    assert "not found" not in root.sh("ldd " + " ".join(f"/{path}" for path in libraries))
    for path in libraries:
        header = subprocess.run(
            ["readelf", "-h", "-l", "-W", root.path / path], capture_output=True, text=True, check=True
        ).stdout
        if "AArch64" in header:  # a Pi 5 has pages of 16 KiB
            assert min(int(line.split()[-1], 16) for line in header.splitlines() if "LOAD" in line) >= 0x4000, path


def test_nothing_that_root_runs_writes_to_usr(terminal: Root) -> None:
    before = terminal.files("usr/lib/kazasu", "usr/share/kazasu")
    assert {path for path in before if path.endswith(".py")} == {
        re.sub(r"__pycache__/(\w+)\.cpython-\d+\.pyc$", r"\1.py", path) for path in before if path.endswith(".pyc")
    }, "each module is compiled"
    terminal.sh("kazasu check-config; kazasu journal list; kazasu --help")
    terminal.run("kazasu", "doctor")
    terminal.work()
    assert terminal.files("usr/lib/kazasu", "usr/share/kazasu") == before


def test_what_only_a_build_needs_is_not_in_it(installed: tuple[Root, str], package: Path) -> None:
    files = installed[0].files(HOME)
    names = {path.rsplit("/", 1)[-1] for path in files}
    assert not names & {"pip", "direct_url.json", "RECORD", "py.typed", "conftest.py"}
    assert not [path for path in files if re.search(r"/(tests?|pip|setuptools|wheel)/|\.(pyi|c|h|i)$", path)]
    assert package.stat().st_size < 6_000_000


def test_an_upgrade_keeps_configuration_keys_and_journal(terminal: Root, newer: Path) -> None:
    before = terminal.files(*KEPT)
    assert "var/lib/kazasu/journal.db" in before
    terminal.sh(f"apt-get install --yes {terminal.bring(newer)}")
    assert terminal.files(*KEPT) == before
    assert terminal.sh("kazasu --version") == "kazasu 9.9\n"
    assert (terminal.path / "usr/share/kazasu/roster.sample.csv").exists()
    assert not (terminal.path / "usr/share/kazasu/roster.example.csv").exists()
    terminal.work()
    assert "4 events" in terminal.sh("kazasu journal verify")


def test_a_downgrade_is_refused_with_words_and_changes_nothing(terminal: Root, newer: Path, package: Path) -> None:
    terminal.sh(f"apt-get install --yes {terminal.bring(newer)}")
    before = terminal.files(*KEPT, HOME)
    refused = terminal.run("apt-get", "install", "--yes", "--allow-downgrades", terminal.bring(package))
    assert refused.returncode
    assert "is older" in refused.stdout
    assert "apt purge kazasu" in refused.stdout
    assert terminal.files(*KEPT, HOME) == before
    assert (
        terminal.sh("dpkg-query --show --showformat '${db:Status-Abbrev}' kazasu; kazasu --version")
        == "ii kazasu 9.9\n"
    )
    # Not by the back door either; but what the words say helps.
    terminal.sh("apt-get remove --yes kazasu")
    assert "is older" in terminal.run("apt-get", "install", "--yes", f"/root/{package.name}").stdout
    terminal.sh(f"apt-get purge --yes kazasu; apt-get install --yes /root/{package.name}; kazasu --version")


def test_removal_leaves_configuration_keys_and_journal_and_a_new_installation_goes_on(
    terminal: Root, package: Path
) -> None:
    before = terminal.files(*KEPT)
    terminal.sh("apt-get remove --yes kazasu")
    assert terminal.files(*KEPT) == before
    assert not (terminal.path / HOME).exists()
    assert not (terminal.path / "usr/bin/kazasu").is_symlink()
    said = terminal.sh(f"apt-get install --yes {terminal.bring(package)}")
    assert "kazasu setup" not in said
    terminal.work()
    assert "4 events" in terminal.sh("kazasu journal verify")


def test_purging_takes_everything_but_moves_the_evidence(terminal: Root) -> None:
    shutil.copytree(terminal.path / "etc/kazasu", terminal.path / "etc/kazasu@door")
    shutil.copytree(terminal.path / "var/lib/kazasu", terminal.path / "var/lib/kazasu@door")
    link = terminal.path / "etc/systemd/system/multi-user.target.wants/kazasu@door.service"
    link.symlink_to("/lib/systemd/system/kazasu@.service")
    journal = (terminal.path / "var/lib/kazasu/journal.db").read_bytes()
    key = (terminal.path / "etc/kazasu/event.pub.pem").read_bytes()

    said = terminal.sh("apt-get purge --yes kazasu")
    for name in ("kazasu", "kazasu@door"):
        [kept] = re.findall(rf"journal of {name}, with the key that verifies it, is kept in (/var/backups/\S+):", said)
        moved = {path.rsplit("/", 1)[-1]: content for path, content in terminal.files(kept[1:]).items()}
        assert moved == {"journal.db": journal, "event.pub.pem": key}
        assert terminal.sh(f"stat -c '%a %U %n' {kept} {kept}/*").splitlines() == [
            f"700 root {kept}",
            f"644 root {kept}/event.pub.pem",
            f"600 root {kept}/journal.db",
        ]
    left = terminal.sh("find / -xdev -name '*kazasu*' -not -path '/root/*' -not -path '/var/backups/*'").split()
    # The user stays, as Debian's do: what it owned elsewhere must not become somebody else's.
    assert [path for path in left if not path.startswith("/var/cache/apt/")] == []
    assert terminal.sh("id --name --user kazasu") == "kazasu\n"


def test_purging_a_terminal_that_never_worked_keeps_nothing(bare: Root) -> None:
    assert "/var/backups" not in bare.sh("apt-get purge --yes kazasu")
    assert not list(bare.path.glob("var/backups/kazasu*"))
    assert not list(bare.path.glob("etc/kazasu*"))
    assert not list(bare.path.glob("var/lib/kazasu*"))


def test_purging_empties_a_data_partition_and_leaves_it_mounted(terminal: Root) -> None:
    said = terminal.sh(
        "mkdir -p /data/lost+found; mv /var/lib/kazasu/* /data; mount --bind /data /var/lib/kazasu; "
        "apt-get purge --yes kazasu; dpkg-query --show --showformat '${db:Status-Abbrev}' kazasu 2>&1 || true"
    )
    assert "is kept in /var/backups/" in said
    assert "no packages found matching kazasu" in said
    assert [path.name for path in (terminal.path / "data").iterdir()] == ["lost+found"]


def test_purging_leaves_a_state_directory_of_the_site_s_own_and_puts_the_key_there(terminal: Root) -> None:
    config_file = terminal.path / "etc/kazasu/kazasu.toml"
    config_file.write_text(
        re.sub(r"(?m)^state_dir.*", 'state_dir = "/data/punches"  # partition', config_file.read_text())
    )
    key = (terminal.path / "etc/kazasu/event.pub.pem").read_bytes()
    terminal.sh("mkdir /data; mv /var/lib/kazasu /data/punches; kazasu journal verify")
    said = terminal.sh("apt-get purge --yes kazasu")
    assert "the journal of kazasu stays in /data/punches" in said
    assert (terminal.path / "data/punches/event.pub.pem").read_bytes() == key
    assert (terminal.path / "data/punches/journal.db").exists()
    assert not list(terminal.path.glob("etc/kazasu*"))


def test_two_builds_hold_the_same(package: Path, kind: str) -> None:
    processor = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if kind != f"{platform.freedesktop_os_release()['VERSION_CODENAME']}-{processor}":
        pytest.skip("built here it takes half a minute, in another Debian minutes")
    builds = set()
    for _ in range(2):
        subprocess.run([TOP / "packaging/build-deb", *kind.split("-")], check=True, stdout=subprocess.DEVNULL)
        builds.add(package.read_bytes())
    assert len(builds) == 1


@pytest.mark.skipif(not shutil.which("lintian"), reason="lintian is not installed")
def test_lintian_finds_neither_errors_nor_warnings(package: Path) -> None:
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", package], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
