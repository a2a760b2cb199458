from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kazasu.virtual.sandbox import in_sandbox

SANDBOX = [sys.executable, "-m", "kazasu.virtual.sandbox"]
LOOK_ROUND = """
import os, pathlib, socket
print(sorted(os.listdir("/run")))
print([name for _, name in socket.if_nameindex()])
print(os.readlink("/proc/self/ns/net"))
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
    print("loopback is up")
print(os.environ["KAZASU_SANDBOX"])
print(list(pathlib.Path("/dev/bus/usb").glob("*")))
"""


def enter(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody outside does."""
    outside = {name: value for name, value in os.environ.items() if name != "KAZASU_SANDBOX"}
    return subprocess.run([*SANDBOX, *command], env=outside, capture_output=True, text=True, check=False)


def test_these_tests_run_inside() -> None:
    assert in_sandbox()
    assert Path("/run/pcscd").is_dir()


def test_a_run_and_a_network_of_its_own() -> None:
    done = enter("--", sys.executable, "-c", LOOK_ROUND)

    assert done.returncode == 0, done.stderr
    run, interfaces, network, loopback, mark, readers_on_usb = done.stdout.splitlines()
    assert run == "['pcscd']"
    assert "lo" in interfaces
    assert network != str(Path("/proc/self/ns/net").readlink())
    assert (loopback, mark) == ("loopback is up", "1")
    assert readers_on_usb == "[]"


def test_the_commands_exit_code_is_the_sandboxs() -> None:
    assert enter("--", "sh", "-c", "exit 37").returncode == 37


def test_what_stands_in_run_outside_stays() -> None:
    before = sorted(entry.name for entry in Path("/run").iterdir())
    enter("--", "sh", "-c", "touch /run/inside")

    assert sorted(entry.name for entry in Path("/run").iterdir()) == before


def test_inside_it_makes_no_second_one() -> None:
    done = subprocess.run([*SANDBOX, "--", "readlink", "/proc/self/ns/net"], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == str(Path("/proc/self/ns/net").readlink())


def test_it_meets_nobody_on_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        knock = f"import socket; socket.create_connection(('127.0.0.1', {port}))"

        assert "ConnectionRefusedError" in enter("--", sys.executable, "-c", knock).stderr


@pytest.mark.parametrize("arguments", [[], ["--"], ["true"], ["--inside"]])
def test_without_a_command_it_tells_its_usage(arguments: list[str]) -> None:
    done = enter(*arguments)

    assert done.returncode == 1
    assert done.stderr == "usage: python -m kazasu.virtual.sandbox -- COMMAND [ARGUMENT...]\n"


def test_a_command_that_does_not_exist() -> None:
    done = enter("--", "/nowhere/at-all")

    assert done.returncode == 1
    assert done.stderr == "sandbox: cannot run /nowhere/at-all: No such file or directory\n"
