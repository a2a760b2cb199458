"""A test machine under QEMU: started, told what to do, unplugged, started again. Without hardware virtualisation.

It reaches nothing but this host: as broker.test, whatever listens on 127.0.0.1. From here there is vpcd's port, to tap
cards at, the QEMU guest agent, to run commands, and the output pins as they change.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from vm.image import Image

VPCD_PORTS = (35963, 35964)  # of Debian's vsmartcard-vpcd: its two readers
_BOOT_S = 240.0
_OFF_S = 60.0
_POLL_S = 0.02
_PORTS = range(10_000, 15_000)
PINS = {"green": 17, "red": 27, "buzzer": 22, "relay": 5}
"""What guest/watch-pins watches."""

BUTTONS = {"in": 23, "out": 24}


class Done(NamedTuple):
    """A command that ended in the machine."""

    code: int
    out: str


class Levels(NamedTuple):
    """What the output pins changed to.

    Attributes:
        seen_s: when this host heard of it, `time.monotonic`.
        boot_s: when the machine saw it, seconds since its boot.
        levels: pin number to 0 or 1.
    """

    seen_s: float
    boot_s: float
    levels: dict[int, int]


class Machine:
    """One machine with a disk of its own, a layer over the image's.

    Args:
        image: from image.py.
        directory: for its disk, sockets and console; keep its path short.
        logged_bytes: gives it a second disk of this size, /dev/vdb, all writes to which go into `write_log`.

    Attributes:
        pins: every change of the outputs, over all boots.
        write_log: of the second disk, of this boot.
        console: what it printed, of all boots.
    """

    def __init__(self, image: Image, directory: Path, *, logged_bytes: int = 0) -> None:
        self._image = image
        self._directory = directory
        self._logged = bool(logged_bytes)
        self.pins: list[Levels] = []
        self.console = directory / "console"
        self.disk = directory / "disk.qcow2"
        self.data = directory / "data.img"
        self.write_log = directory / "write-log"
        self.vpcd_ports: tuple[int, ...] = ()
        self._news = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._agent: socket.socket | None = None
        self._answers: Any = None
        self._follower: threading.Thread | None = None
        _qemu_img("create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(image.disk), str(self.disk))
        if self._logged:
            self.data.touch()
            os.truncate(self.data, logged_bytes)

    def start(self, until_s: float | None = None) -> float:
        """Plug it in; returns, once it takes commands, the seconds that took.

        Args:
            until_s: return after so many seconds instead, wherever it is; only to be unplugged then.
        """
        began_s = time.monotonic()
        self.vpcd_ports = _free_ports(len(VPCD_PORTS))
        agent, pins = self._directory / "agent", self._directory / "pins"
        for path in (agent, pins, self.write_log):
            path.unlink(missing_ok=True)
        with self.console.open("ab") as console:
            self._process = subprocess.Popen(
                self._command(agent, pins), stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT
            )
        self._follower = threading.Thread(target=self._follow, args=(pins,), daemon=True)
        self._follower.start()
        if until_s is None:
            self._connect(agent, began_s + _BOOT_S)
        else:
            time.sleep(until_s)
        return time.monotonic() - began_s

    def run(self, *command: str, timeout_s: float = 120.0) -> Done:
        """Run a program in the machine, as root, and wait for its end.

        Returns:
            Its exit code, and what it printed to both outputs.
        """
        script = 'exec "$@" 2>&1 </dev/null'
        pid = self._ask("guest-exec", path="/bin/sh", arg=["-c", script, "sh", *command], **{"capture-output": True})[
            "pid"
        ]
        deadline_s = time.monotonic() + timeout_s
        while True:
            status = self._ask("guest-exec-status", pid=pid)
            if status["exited"]:
                out = base64.b64decode(status.get("out-data", "")).decode(errors="replace")
                return Done(status.get("exitcode", -1), out)
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{command} did not end in {timeout_s} s")
            time.sleep(_POLL_S)

    def sh(self, script: str, timeout_s: float = 120.0) -> str:
        """Run a shell script that must succeed; returns what it printed."""
        done = self.run("/bin/sh", "-ec", script, timeout_s=timeout_s)
        if done.code:
            raise AssertionError(f"{script!r} ended with {done.code}:\n{done.out}\n{self.log()}")
        return done.out

    def put(self, content: bytes, path: str, mode: str = "0644") -> None:
        """Write a file in the machine, with its folders."""
        self.run("mkdir", "-p", str(Path(path).parent))
        handle = self._ask("guest-file-open", path=path, mode="wb")
        for start in range(0, len(content), 1 << 20):
            part = base64.b64encode(content[start : start + (1 << 20)]).decode()
            self._ask("guest-file-write", handle=handle, **{"buf-b64": part})
        self._ask("guest-file-close", handle=handle)
        self.run("chmod", mode, path)

    def wait_until(self, script: str, timeout_s: float = 120.0) -> None:
        """Wait until a shell script succeeds in the machine."""
        deadline_s = time.monotonic() + timeout_s
        while (done := self.run("/bin/sh", "-c", script)).code:
            if time.monotonic() > deadline_s:
                raise AssertionError(f"{script!r} did not succeed in {timeout_s} s:\n{done.out}\n{self.log()}")

    def log(self) -> str:
        """The terminal's log, for a failure's message."""
        with contextlib.suppress(OSError, RuntimeError, TimeoutError):
            return self.run("journalctl", "-b", "-n", "60", "--no-pager", "-u", "kazasu*", "-u", "pcscd").out
        return "the machine does not answer"

    def level(self, pin: int) -> int:
        """Read an output from the chip."""
        return int(self.sh(f"cat /sys/devices/platform/gpio-sim.0/gpiochip0/sim_gpio{pin}/value"))

    def press(self, button: str) -> None:
        """Press a push-button to ground, and let it go."""
        pull = f"/sys/devices/platform/gpio-sim.0/gpiochip0/sim_gpio{BUTTONS[button]}/pull"
        self.sh(f"echo pull-down >{pull}; sleep 0.2; echo pull-up >{pull}")

    def wait_for_pins(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> bool:
        """Wait until the condition holds, looking at each change of the outputs; returns whether it does."""
        with self._news:
            return self._news.wait_for(condition, timeout_s)

    def greens(self) -> int:
        """How often the green light went on."""
        with self._news:
            lit = [change.levels[PINS["green"]] for change in self.pins]
        return sum(now > before for before, now in zip([0, *lit], lit, strict=False))

    def unplug(self) -> None:
        """Cut the power. What it had not flushed is gone."""
        self._end(signal.SIGKILL, 10.0)

    def power_off(self) -> None:
        """Shut down in order."""
        with contextlib.suppress(OSError, RuntimeError):
            self._send("guest-shutdown", mode="powerdown")
        self._end(None, _OFF_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.unplug()

    def _command(self, agent: Path, pins: Path) -> list[str]:
        forwarded = [
            f"hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in zip(self.vpcd_ports, VPCD_PORTS, strict=True)
        ]
        drivers = ",file.driver=file,log.driver=file"
        data = [
            "-blockdev",
            f"driver=blklogwrites,node-name=data,file.filename={self.data},log.filename={self.write_log}{drivers}",
            "-device",
            "virtio-blk-pci,drive=data",
        ]
        if self._logged:
            self.write_log.touch()
        return [
            *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-M", "q35", "-smp", "2", "-m", "512"),
            *("-nographic", "-no-reboot", "-kernel", str(self._image.kernel), "-initrd", str(self._image.initrd)),
            *("-append", "root=/dev/vda rw console=ttyS0 quiet mitigations=off"),
            # What the guest flushes is in the file; what it does not is QEMU's to lose.
            *("-drive", f"file={self.disk},format=qcow2,if=none,id=root", "-device", "virtio-blk-pci,drive=root"),
            *(data if self._logged else ()),
            *("-nic", ",".join(("user,model=virtio-net-pci", *forwarded))),
            *("-device", "virtio-serial", "-device", "virtio-rng-pci"),
            *("-chardev", f"socket,id=agent,path={agent},server=on,wait=off"),
            *("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
            *("-chardev", f"socket,id=pins,path={pins},server=on,wait=off"),
            *("-device", "virtserialport,chardev=pins,name=kazasu.pins"),
        ]

    def _follow(self, path: Path) -> None:
        """Read what watch-pins tells until the machine is off."""
        process = self._process
        channel = socket.socket(socket.AF_UNIX)
        while process is not None and process.poll() is None:
            try:
                channel.connect(str(path))
                break
            except OSError:
                time.sleep(_POLL_S)
        with channel, channel.makefile() as lines, contextlib.suppress(OSError):
            for line in lines:
                boot_s, *shown = line.split()
                levels = {int(pin): int(level) for pin, _, level in (word.partition("=") for word in shown)}
                with self._news:
                    self.pins.append(Levels(time.monotonic(), float(boot_s), levels))
                    self._news.notify_all()

    def _connect(self, path: Path, deadline_s: float) -> None:
        """Wait for the guest agent: it answers once it runs."""
        while True:
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"the machine did not start:\n{self.console.read_text(errors='replace')[-3000:]}")
            try:
                self._agent = socket.socket(socket.AF_UNIX)
                self._agent.settimeout(2.0)
                self._agent.connect(str(path))
                self._answers = self._agent.makefile("r", errors="replace")
                token = time.monotonic_ns()
                # \xff makes the agent's parser begin anew, whatever was left in the channel.
                self._agent.sendall(b"\xff")
                self._send("guest-sync-delimited", id=token)
                while f'"return": {token}' not in self._answers.readline():
                    pass
            except OSError:
                self._close_agent()
                time.sleep(_POLL_S)
            else:
                self._agent.settimeout(60.0)
                return

    def _ask(self, command: str, **arguments: object) -> Any:
        self._send(command, **arguments)
        answer = json.loads(self._answers.readline())
        if "error" in answer:
            raise RuntimeError(f"{command}: {answer['error']['desc']}")
        return answer["return"]

    def _send(self, command: str, **arguments: object) -> None:
        if self._agent is None:
            raise RuntimeError("the machine is off")
        self._agent.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")

    def _end(self, number: signal.Signals | None, timeout_s: float) -> None:
        process, self._process = self._process, None
        if process is not None:
            if number is not None:
                process.send_signal(number)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
        if self._follower is not None:
            self._follower.join()
        self._close_agent()

    def _close_agent(self) -> None:
        if self._answers is not None:
            self._answers.close()
        if self._agent is not None:
            self._agent.close()
        self._agent = self._answers = None


def _free_ports(count: int) -> tuple[int, ...]:
    free: list[int] = []
    for port in _PORTS:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            free.append(port)
            if len(free) == count:
                return tuple(free)
    raise RuntimeError("no free ports on 127.0.0.1")


def _qemu_img(*arguments: str) -> None:
    subprocess.run(["qemu-img", *arguments], check=True)
