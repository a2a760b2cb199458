"""What the kernel says of its own clock: adjtimex(2), which Python does not offer."""

from __future__ import annotations

import ctypes

_STA_UNSYNC = 0x0040  # <linux/timex.h>


class _Timex(ctypes.Structure):
    # struct timex of <linux/timex.h>: what is read here, and room for the rest.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def maximum_error_ms() -> int | None:
    """The greatest error that the kernel allows for, in milliseconds; whoever disciplines the clock sets it.

    Returns:
        None if nothing disciplines the clock, or if this process may not ask.
    """
    timex = _Timex()
    if ctypes.CDLL(None).adjtimex(ctypes.byref(timex)) < 0 or timex.status & _STA_UNSYNC:
        return None
    return int(timex.maxerror) // 1000 + 1
