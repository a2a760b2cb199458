"""The trial of what was set up: the cues are played, the doctor looks at it, the service starts."""

from __future__ import annotations

import argparse
import contextlib
import signal
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, EXIT_PROBLEM, doctor
from kazasu.cli.setup import service
from kazasu.errors import KazasuError

if TYPE_CHECKING:
    from kazasu.cli.setup.interview import Interview
    from kazasu.cli.setup.plan import Plan
    from kazasu.model.configuration import Config


def try_out(plan: Plan, unit: service.Service | None, interview: Interview | None, *, play_cues: bool) -> int:
    """Play the cues, run the doctor, start the service.

    Args:
        plan: what was set up.
        unit: what starts; None leaves it to whoever set this up.
        interview: asks how each cue was; None asks nobody.
        play_cues: whether cues are played.

    Returns:
        The exit code.
    """
    found = EXIT_OK
    with contextlib.ExitStack() as stack:
        if unit is not None:
            # Whoever hangs up now leaves a terminal that runs.
            for number in (signal.SIGHUP, signal.SIGTERM):
                stack.callback(signal.signal, number, signal.signal(number, signal.default_int_handler))
            if unit.active:
                print(f"\nstopping {unit.name}, which uses the pins")
                stack.callback(unit.start)
                unit.stop()
        if play_cues:
            found = _play(plan.config, interview)
        print()
        found = max(found, doctor.execute(argparse.Namespace(config=plan.path, tap=False)))
        if unit is not None:
            found = max(found, _start(unit))
            if plan.config.mqtt is not None and plan.config.site is not None and not service.renew_daily(unit):
                print("certificates are not renewed by themselves: run `sudo kazasu renew` each day")
                found = EXIT_PROBLEM
            stack.pop_all()
    _say_next(plan, started=unit is not None)
    return found


def _play(config: Config, interview: Interview | None) -> int:
    from kazasu.cli.setup.cue_round import play_all

    print("\nEach cue is played now: look and listen.")
    try:
        wrong = play_all(config, interview)
    except KazasuError as error:
        print(f"the cues cannot be played: {error}")
        return EXIT_PROBLEM
    if wrong:
        print(f"not as they should be: {', '.join(wrong)}; see docs/wiring.md, and try `kazasu cue play NAME`")
    return EXIT_PROBLEM if wrong else EXIT_OK


def _start(unit: service.Service) -> int:
    print(f"\nstarting {unit.name}, now and at each boot …", flush=True)
    if unit.start():
        print(f"{unit.name} runs")
        return EXIT_OK
    print(f"{unit.name} did not start: `journalctl -u {unit.name} -n 20` says why; systemd goes on trying")
    return EXIT_PROBLEM


def _say_next(plan: Plan, *, started: bool) -> None:
    print("\nNext:")
    if not started:
        print(f"  run the terminal          kazasu run{plan.option}")
    of_a_site = plan.config.site is not None
    if of_a_site:
        print(f"  what a card's number is   sudo kazasu identify{plan.option}; the desk gives it to a person")
    else:
        print(f"  give a card to a person   sudo kazasu enroll{plan.option} 1001 'Hanako Yamada'")
    print("  tap it                    green means that it is recorded")
    print(f"  see what was recorded     sudo kazasu journal list{plan.option}")
    if of_a_site:
        return  # whose desk has the rest
    if plan.config.mqtt is not None:
        print(f"  for the site's collector  {plan.path.parent / 'event.pub.pem'}")
    print(f"  for the next terminals    {plan.config.keys.pepper}: the site has one pepper")
