"""A network line that can be bad: real packets of the kernel's own TCP, lost, late, or swallowed.

The kernel's netem does this, but not every kernel has it. A TUN device needs only its driver: what is sent to `there`
comes out here, and goes back in with its two addresses exchanged, so that a program which listens on this machine
answers from "over there". (Both checksums add the addresses up, so an exchange leaves them right.)
"""

from __future__ import annotations

import errno
import fcntl
import heapq
import itertools
import os
import random
import select
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Self

DEVICE = Path("/dev/net/tun")
_NAME = b"kazasu-line"
_HERE, _MASK = "10.77.0.1", "255.255.255.0"

# linux/if_tun.h, linux/sockios.h, linux/if.h
_TUNSETIFF = 0x400454CA
_IFF_TUN_NO_PI = 0x1001
_SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
_IFF_UP_RUNNING = 0x41
_LARGEST = 65_536
_IPV4 = 4


class Line:
    """As a context manager it is there; its other end is this machine.

    Attributes:
        there: the address that leads over it.
        loss: the share of packets that are lost, each way, 0 to 1.
        delay_s: how long each takes, each way.
        silent: everything is swallowed, and nobody is told: what is open stays open at both ends.
        lost: how many packets were lost or swallowed.
        carried: how many were not.
    """

    there = "10.77.0.2"

    def __init__(self, *, loss: float = 0.0, delay_s: float = 0.0) -> None:
        self.loss = loss
        self.delay_s = delay_s
        self.silent = False
        self.lost = self.carried = 0
        self._random = random.Random(1)  # noqa: S311  (losses, no secret)
        self._order = itertools.count()
        self._under_way: list[tuple[float, int, bytes]] = []
        self._end_read, self._end_write = os.pipe()
        self._tun = -1
        self._thread = threading.Thread(target=self._carry, name="line")

    def __enter__(self) -> Self:
        self._tun = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self._tun, _TUNSETIFF, struct.pack("16sH22x", _NAME, _IFF_TUN_NO_PI))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            for request, address in ((_SIOCSIFADDR, _HERE), (_SIOCSIFNETMASK, _MASK)):
                packed = struct.pack("16sHH4s8x", _NAME, socket.AF_INET, 0, socket.inet_aton(address))
                fcntl.ioctl(any_socket, request, packed)
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH22x", _NAME, _IFF_UP_RUNNING))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._end_write, b".")
        self._thread.join()
        for descriptor in (self._tun, self._end_read, self._end_write):
            os.close(descriptor)

    def _carry(self) -> None:
        poll = select.poll()
        poll.register(self._tun, select.POLLIN)
        poll.register(self._end_read, select.POLLIN)
        while True:
            wait_s = max(0.0, self._under_way[0][0] - time.monotonic()) if self._under_way else None
            ready = poll.poll(None if wait_s is None else wait_s * 1000 + 1)
            if any(descriptor == self._end_read for descriptor, _ in ready):
                return
            if ready:
                self._take(os.read(self._tun, _LARGEST))
            while self._under_way and self._under_way[0][0] <= time.monotonic():
                self._give(heapq.heappop(self._under_way)[2])

    def _take(self, packet: bytes) -> None:
        if packet[0] >> 4 != _IPV4:
            return
        if self.silent or self._random.random() < self.loss:
            self.lost += 1
            return
        self.carried += 1
        back = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
        heapq.heappush(self._under_way, (time.monotonic() + self.delay_s, next(self._order), back))

    def _give(self, packet: bytes) -> None:
        try:
            os.write(self._tun, packet)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
