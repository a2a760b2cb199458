"""Run a command where /run and the network are its own, so that a private pcscd meets nobody's reader.

`python -m kazasu.virtual.sandbox -- COMMAND ARGUMENT...` replaces itself with COMMAND in a fresh mount and network
namespace. pcscd's socket has a fixed place, /run/pcscd, and vpcd listens on every address of the machine: in here
neither reaches outside.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

_MARK = "KAZASU_SANDBOX"
_INSIDE = "--inside"
_RUN = Path("/run")
_USB = Path("/dev/bus/usb")

# linux/sockios.h, linux/if.h, netdevice(7)
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1
_IFREQ = struct.Struct("16sH22x")


def in_sandbox() -> bool:
    """Whether this process runs inside."""
    return os.environ.get(_MARK) == "1"


def main(arguments: list[str]) -> None:
    """Replace this process with the command that follows `--`.

    Raises:
        SystemExit: there is no such command, or no way to make the namespaces; the message says what to do.
    """
    inside = arguments[:1] == [_INSIDE]
    if arguments[inside : inside + 1] != ["--"] or not arguments[inside + 1 :]:
        raise SystemExit("usage: python -m kazasu.virtual.sandbox -- COMMAND [ARGUMENT...]")
    command = arguments[inside + 1 :]
    if inside:
        _furnish()
        os.environ[_MARK] = "1"
    elif not in_sandbox():
        command = [*_unshare(), sys.executable, "-m", "kazasu.virtual.sandbox", _INSIDE, "--", *command]
    sys.stdout.flush()
    try:
        os.execvp(command[0], command)  # noqa: S606  (running the caller's command is the purpose)
    except OSError as error:
        raise SystemExit(f"sandbox: cannot run {command[0]}: {error.strerror}") from error


def _unshare() -> list[str]:
    """What makes the namespaces here: as root, as an ordinary user, or through sudo."""
    program = shutil.which("unshare")
    if program is None:
        raise SystemExit("sandbox: the program unshare is missing: apt install util-linux")
    namespaces = [program, "--mount", "--net"]
    if os.geteuid() == 0:
        return namespaces
    mapped = [*namespaces, "--map-root-user"]
    if subprocess.run([*mapped, "true"], check=False, capture_output=True).returncode == 0:  # noqa: S603  (ours)
        return mapped
    sudo = shutil.which("sudo")
    if sudo is None:
        raise SystemExit(
            "sandbox: this user may not make namespaces, and there is no sudo: run as root, or allow user namespaces "
            "(sysctl user.max_user_namespaces; on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0)"
        )
    return [sudo, "--preserve-env", *namespaces]


def _furnish() -> None:
    """Put an empty /run with pcscd's directory in place, hide USB readers, and bring the loopback interface up."""
    for emptied in (_RUN, _USB):
        if emptied.is_dir():
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", emptied], check=True)  # noqa: S603, S607
    (_RUN / "pcscd").mkdir()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        _, flags = _IFREQ.unpack(fcntl.ioctl(any_socket, _SIOCGIFFLAGS, _IFREQ.pack(b"lo", 0)))
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", flags | _IFF_UP))


if __name__ == "__main__":
    main(sys.argv[1:])
