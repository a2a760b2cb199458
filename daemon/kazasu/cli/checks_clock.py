"""How the doctor judges the machine's clock and what keeps the time while the power is off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.cli.finding import Finding, Grade
from kazasu.model.command import judges_seconds
from kazasu.model.moment import TimeSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from kazasu.model.moment import Moment
    from kazasu.runtime.rtc import Rtc

_RTC_OFF_S = 30  # a good one drifts by so much in half a year; the kernel sets it while the clock is synchronised
_EMPTY_BATTERY_V = 2.0

_SYNCHRONISE = "let systemd-timesyncd or chrony reach a time server: timedatectl timesync-status"
_LET_ASK = (
    "let the service ask the kernel, or punches say that they are not: lines ProtectClock=no and"
    " SystemCallFilter=adjtimex clock_adjtime under [Service] in: sudo systemctl edit kazasu"
)
_BUY = (
    "a Pi 5 has one and needs its battery (connector BAT, J5); for any other Pi a DS3231 module, and the line"
    " dtoverlay=i2c-rtc,ds3231 in /boot/firmware/config.txt"
)
_NEW_BATTERY = "change its battery; it is set by itself once the clock is synchronised, or with: sudo hwclock --systohc"
_PI_5_BATTERY = (
    "connect Raspberry Pi's RTC battery, and to have it charged add dtparam=rtc_bbat_vchg=3000000 to"
    " /boot/firmware/config.txt"
)


def judge_clock(moment: Moment, now: datetime, newest: Moment | None, service_sees: TimeSource) -> Iterator[Finding]:
    """Say where punches have their time from.

    Args:
        moment: what a terminal that may ask the kernel would record.
        now: what the machine's clock shows.
        newest: when the newest event was, if there is one.
        service_sees: the source for one that may not.
    """
    if newest is not None and moment.source is not TimeSource.NTP and now < newest.at:
        yield Finding(
            Grade.PROBLEM,
            "clock",
            f"shows {now:%Y-%m-%d %H:%M}, before the newest event of {newest.at.astimezone(now.tzinfo):%Y-%m-%d %H:%M}:"
            " punches go on from the event's time",
            f"{_SYNCHRONISE}; without a network: sudo timedatectl set-time 'YYYY-MM-DD hh:mm:ss'. If the event is what"
            " is wrong, a time server mends it, or a new journal: move journal.db away",
        )
        return
    match moment.source:
        case TimeSource.NTP:
            recorded = None if newest is None else newest.source
            if TimeSource.NTP not in {service_sees, recorded}:
                yield Finding(Grade.NOTE, "clock", "synchronised, but not by systemd-timesyncd", _LET_ASK)
                return
            within = f", within {moment.error_ms} ms" if moment.error_ms >= 0 else ""
            yield Finding(Grade.OK, "clock", f"synchronised{within}")
        case TimeSource.RTC:
            yield Finding(Grade.NOTE, "clock", "set from the RTC, not synchronised: punches say so", _SYNCHRONISE)
        case TimeSource.HOLDOVER:
            yield Finding(Grade.NOTE, "clock", "not synchronised, holding over: punches say so", _SYNCHRONISE)
        case TimeSource.NONE:
            yield Finding(Grade.NOTE, "clock", "unset, as far as anybody knows: punches say so", _SYNCHRONISE)


def judge_commands(as_service: Moment) -> Iterator[Finding]:
    """Say what a terminal whose clock is so takes from the site; nothing if it takes all.

    Args:
        as_service: what it records: it may not ask the kernel.
    """
    if not judges_seconds(as_service):
        found = "of the site's commands only those that make things safer are taken: the clock cannot tell a fresh one"
        yield Finding(Grade.NOTE, "clock", found, _SYNCHRONISE)


def judge_rtcs(rtcs: Sequence[Rtc], now: datetime, *, synchronised: bool) -> Iterator[Finding]:
    """Say whether something keeps the time while the power is off.

    Args:
        rtcs: those that the kernel knows.
        now: what the machine's clock shows.
        synchronised: whether that is right.
    """
    if not rtcs:
        found = "none: after a power cut without a network nobody knows how long it was off"
        yield Finding(Grade.NOTE, "RTC", found, _BUY)
    for rtc in rtcs:
        yield _judge_rtc(rtc, now, synchronised=synchronised, only=len(rtcs) == 1)


def _judge_rtc(rtc: Rtc, now: datetime, *, synchronised: bool, only: bool) -> Finding:
    name = f"{rtc.device} ({rtc.chip})"
    pi_5 = rtc.battery_v is not None
    if rtc.battery_v is not None and rtc.battery_v < _EMPTY_BATTERY_V:
        found = f"{name}: its battery is missing or empty ({rtc.battery_v:.1f} V)"
        return Finding(Grade.NOTE, "RTC", found, _PI_5_BATTERY)
    if rtc.at_s is None:
        todo = _PI_5_BATTERY if pi_5 else _NEW_BATTERY
        return Finding(Grade.NOTE, "RTC", f"{name} has lost its time, or was never set", todo)
    off_s = rtc.at_s - int(now.timestamp())
    if synchronised and abs(off_s) > _RTC_OFF_S:
        todo = "sudo hwclock --systohc; if it is off again after a night without power, change its battery"
        return Finding(Grade.NOTE, "RTC", f"{name} is {abs(off_s):,} s {'ahead' if off_s > 0 else 'behind'}", todo)
    if only and not rtc.set_clock:
        todo = "update the system: the kernels of Raspberry Pi OS 12 and newer, and Debian's, set the clock from an RTC"
        return Finding(Grade.NOTE, "RTC", f"{name} keeps time, but the clock was not set from it at boot", todo)
    battery = f", battery {rtc.battery_v:.1f} V" if pi_5 else ""
    return Finding(Grade.OK, "RTC", f"{name} keeps time{battery}")
