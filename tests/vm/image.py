"""The disk of a test machine: Debian 12 with what the package depends on, and a Pi's GPIO chip; not the package itself.

Built once by debootstrap and kept under build/vm, named after what it was made of; each machine writes to a layer of
its own.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
GUEST = HERE / "guest"
BUILD = HERE.parents[1] / "build" / "vm"
RELEASE = "bookworm"
PACKAGES = (
    "ca-certificates",
    "dbus",
    "gpiod",
    "initramfs-tools",
    "kmod",
    "libccid",
    "libpam-systemd",
    "linux-image-amd64",
    "pcscd",
    "polkitd",
    "procps",
    "python3",
    "qemu-guest-agent",
    "systemd-sysv",
    "tzdata",
    "udev",
    "vsmartcard-vpcd",
)
# Of the machine that builds: where its packages come from, and how they are reached. Not left in the image.
APT = (
    "etc/apt/sources.list.d/debian.sources",
    "etc/apt/sources.list",
    "etc/apt/apt.conf.d",
    "etc/ssl/certs",
    "etc/resolv.conf",
)
MODULES = ("ext4", "virtio_blk", "virtio_pci")
SIZE = "2G"


class Image(NamedTuple):
    """What QEMU starts from.

    Attributes:
        disk: raw, never written to after it was made.
        kernel: of that disk.
        initrd: likewise.
    """

    disk: Path
    kernel: Path
    initrd: Path


def build() -> Image:
    """Return the image; make it if there is none of this recipe yet (three minutes, as root).

    Raises:
        subprocess.CalledProcessError: a step failed; what it said is on standard error.
    """
    home = BUILD / _recipe()
    image = Image(home / "disk.img", home / "vmlinuz", home / "initrd.img")
    if not image.disk.exists():
        root = home / "root"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        _bootstrap(root)
        _furnish(root)
        shutil.copy(root / "vmlinuz", image.kernel)
        shutil.copy(root / "initrd.img", image.initrd)
        part = image.disk.with_suffix(".part")
        _run("mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", root, part, SIZE)
        shutil.rmtree(root)
        part.rename(image.disk)
        for other in BUILD.iterdir():
            if other != home:
                shutil.rmtree(other)
    return image


def _recipe() -> str:
    recipe = hashlib.sha256(Path(__file__).read_bytes())
    for file in sorted(GUEST.iterdir()):
        recipe.update(file.name.encode() + file.read_bytes())
    return recipe.hexdigest()[:12]


def _bootstrap(root: Path) -> None:
    site, *_ = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    _run("debootstrap", "--variant=minbase", "--include=ca-certificates,initramfs-tools", RELEASE, root, site)
    for name in APT:
        if Path("/", name).exists():
            _run("cp", "-rT", "--remove-destination", f"/{name}", root / name)
    (root / "etc/initramfs-tools/initramfs.conf").write_text("MODULES=list\nBUSYBOX=n\nCOMPRESS=lz4\nRUNSIZE=10%\n")
    (root / "etc/initramfs-tools/modules").write_text("\n".join(MODULES) + "\n")


def _furnish(root: Path) -> None:
    for name in ("gpio-sim", "watch-pins", "build-gpio-sim"):
        _install(GUEST / name, root / "usr/local/sbin" / name, 0o755)
    for name in ("gpio-sim.service", "watch-pins.service"):
        _install(GUEST / name, root / "etc/systemd/system" / name)
    _install(GUEST / "cpuinfo", root / "usr/local/share/cpuinfo")
    for unit in ("kazasu", "kazasu@", "kazasu-doctor@", "kazasu-renew@"):
        _install(GUEST / "cpuinfo.conf", root / f"etc/systemd/system/{unit}.service.d/cpuinfo.conf")
    (root / "etc/fstab").write_text("/dev/vda / ext4 defaults,noatime 0 1\n")
    (root / "etc/hostname").write_text("terminal\n")
    (root / "etc/systemd/network").mkdir(parents=True, exist_ok=True)
    # No way out but to the host itself, where the broker is.
    (root / "etc/systemd/network/eth.network").write_text("[Match]\nName=en*\n[Network]\nAddress=10.0.2.15/24\n")
    _in(root, "apt-get", "update", "-qq")
    _in(root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "lz4", *PACKAGES)
    _in(root, "build-gpio-sim")
    _in(root, "systemctl", "-q", "enable", "gpio-sim", "watch-pins", "systemd-networkd", "pcscd.socket")
    _in(
        root,
        "systemctl",
        "-q",
        "mask",
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
        "dpkg-db-backup.timer",
        "e2scrub_all.timer",
    )
    _in(root, "systemctl", "-q", "mask", "fstrim.timer", "getty@tty1.service", "systemd-timesyncd", "e2scrub_reap")
    _in(root, "apt-get", "clean")
    for name in APT:
        path = root / name
        if path.is_dir() and name != "etc/ssl/certs":
            shutil.rmtree(path)
            path.mkdir()
        elif path.is_file():
            path.write_text("")
    shutil.rmtree(root / "var/lib/apt/lists")
    # The broker on the host, by the name in its certificate.
    (root / "etc/hosts").write_text("127.0.0.1 localhost terminal\n10.0.2.2 broker.test\n")
    (root / "etc/machine-id").write_text("")


def _install(source: Path, target: Path, mode: int = 0o644) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def _in(root: Path, *command: str) -> None:
    """Run in the image; with a private mount of /proc, which ends with it."""
    script = 'mount -t proc proc "$0/proc"; exec chroot "$@"'
    environment = ("env", "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin")
    _run("unshare", "--mount", "--propagation=private", "sh", "-ec", script, root, root, *environment, *command)


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))[:200]} failed:\n{(done.stdout + done.stderr)[-4000:]}")


if __name__ == "__main__":
    print(build().disk)
