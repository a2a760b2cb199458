"""A private PostgreSQL on a socket of its own, for the tests and the benchmarks.

PostgreSQL refuses to run as root. In the sandbox everybody is, so there it runs in a user namespace of its own, where
root is called as the user that Debian's package made.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from kazasu.virtual.program import OwnProgram, Program

_DEBIANS = Path("/usr/lib/postgresql")
_USER = "postgres"


class PrivatePostgresql(OwnProgram):
    """A server of one's own, reached by a Unix socket only.

    Args:
        options: settings of postgresql.conf, such as "fsync=off".

    Attributes:
        conninfo: how a client reaches it.
    """

    def __init__(self, *options: str) -> None:
        # Not in a test's own directory, which only root may enter; short, because a socket's path may not be long.
        self._directory = Path(tempfile.mkdtemp(prefix="kazasu-pg-"))
        data = self._directory / "data"
        subprocess.run(  # noqa: S603  (our own arguments)
            [*_command("initdb"), "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=self._directory,
        )
        program, *arguments = _command("postgres")
        super().__init__(Program(str(program), "postgresql", self._directory / "server.log"))
        settings = ["listen_addresses=", f"unix_socket_directories={self._directory}", *options]
        self._arguments: list[str | Path] = [*arguments, "-D", data]
        self._arguments += [word for setting in settings for word in ("-c", setting)]
        self.conninfo = f"host={self._directory} user={_USER} dbname={_USER}"

    def start(self) -> None:
        """Start, and return once it accepts connections.

        Raises:
            RuntimeError: it ended at once, or does not listen in time; its log is in the message.
        """
        self._program.start(self._arguments, self._accepts)

    def stop(self) -> None:
        """End it at once, as a crash does: clients lose their connections, and what was not committed is undone."""
        self._program.end(signal.SIGQUIT)

    @property
    def pid(self) -> int:
        """The process id of the one that all others are children of, 0 if it does not run."""
        return self._program.pid

    def close(self) -> None:
        """End it and remove its files."""
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _accepts(self) -> bool:
        """Whether recovery has ended, too: only then its file of the process says `ready`."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self._directory / ".s.PGSQL.5432"))
            status = (self._directory / "data" / "postmaster.pid").read_text(encoding="ascii").splitlines()
            return status[-1].strip() == "ready"
        return False


def _command(name: str) -> list[str | Path]:
    """How one of its programs is called; Debian keeps them in a folder for each version, and out of the PATH.

    Raises:
        RuntimeError: it is not installed.
    """
    found = sorted(_DEBIANS.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    try:
        user = pwd.getpwnam(_USER)
    except KeyError:
        found = []
    if not found:
        raise RuntimeError(f"{name} is not installed: apt install postgresql")
    if os.geteuid() != 0:
        return [found[-1]]
    return ["unshare", "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}", found[-1]]
