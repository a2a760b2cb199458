"""A process with two loops under a real supervisor; what its second loop does is its argument."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from kazasu.errors import JournalUnwritable
from kazasu.runtime import logs
from kazasu.runtime.supervisor import Supervisor
from kazasu.runtime.systemd import Notifier

if TYPE_CHECKING:
    from kazasu.ports.loops import Beat

FASTER = 200
"""The supervisor's clock runs so many times faster than the wall's: its 25 s pass in an eighth of a second."""


read_s: dict[str, float] = {}
"""The clock's last reading in each thread: what the supervisor decided by, and when a loop last beat."""


def mono_s() -> float:
    now_s = read_s[threading.current_thread().name] = time.clock_gettime(time.CLOCK_BOOTTIME) * FASTER
    return now_s


def status() -> str:
    return f"{read_s['MainThread'] - read_s['kazasu-watched']} s after the last beat"


class Loop:
    def __init__(self, behaviour: str) -> None:
        self.behaviour = behaviour
        self.stopped = threading.Event()

    def run(self, beat: Beat) -> None:
        beat()
        match self.behaviour:
            case "fails":
                raise JournalUnwritable("the disk is gone")
            case "falls silent":
                self.stopped.wait()
            case "does not stop":
                threading.Event().wait()
        while not self.stopped.wait(5 / FASTER):
            beat()

    def stop(self) -> None:
        self.stopped.set()


if __name__ == "__main__":
    logs.set_up("info", os.environ)
    supervisor = Supervisor(Notifier(os.environ), mono_s, status)
    supervisor.run([("steady", Loop("goes round")), ("watched", Loop(sys.argv[1]))])
