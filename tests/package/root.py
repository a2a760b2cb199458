"""A Debian in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

TOP = Path(__file__).parents[2]


class Root:
    """A root file system in which commands are run as root, without a network.

    Args:
        path: its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def copy(self, target: Path) -> Root:
        """Return a copy, in a folder that is not there yet."""
        subprocess.run(["cp", "-a", "--reflink=auto", self.path, target], check=True)
        return Root(target)

    def run(self, *command: str, network: str = "no") -> subprocess.CompletedProcess[str]:
        """Run a command to its end; what it said is in `stdout`, errors too, in order."""
        return subprocess.run(
            [TOP / "packaging/in-root", self.path, *command],
            env=os.environ | {"NETWORK": network},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def sh(self, script: str, network: str = "no") -> str:
        """Run a script that has to succeed, and return what it said."""
        done = self.run("sh", "-ec", script, network=network)
        assert done.returncode == 0, f"{script}\n{done.stdout}"
        return done.stdout

    def files(self, *folders: str) -> dict[str, bytes]:
        """Return the content of every file in these folders, by its path; a link's is where it points."""
        return {
            str(path.relative_to(self.path)): str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            for folder in folders
            for path in sorted((self.path / folder).rglob("*"))
            if path.is_symlink() or path.is_file()
        }

    def bring(self, file: Path) -> str:
        """Put a file into /root; return its path there."""
        shutil.copy(file, self.path / "root")
        return f"/root/{file.name}"

    def work(self) -> None:
        """Let the daemon start, record that, and be stopped."""
        with subprocess.Popen(
            [TOP / "packaging/in-root", self.path, "sh", "-ec", "kazasu run & read -r _; kill $!; wait $!"],
            env=os.environ | {"NETWORK": "no"},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as daemon:
            assert daemon.stderr
            assert daemon.stdin
            said = ""
            for line in daemon.stderr:
                said += line
                if " ready" in line:
                    break
            daemon.stdin.write("\n")
            daemon.stdin.close()
            said += daemon.stderr.read()
        assert daemon.returncode == 0, said
