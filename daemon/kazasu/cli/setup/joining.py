"""`kazasu setup` with a bundle or a reply: what is said to the installer while the terminal joins its site."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from kazasu.cli.setup.files import read
from kazasu.errors import BrokerUnsuitable, EnrolmentRefused, KazasuError, SignatureInvalid
from kazasu.store.keys import write_new

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from kazasu.cli.setup.enrolment import Enrolment, Pending

_WAIT_S = 600.0


def joined(enrolment: Enrolment, arguments: argparse.Namespace, retire: Callable[[], None]) -> bool:
    """Do what `--bundle`, `--request` and `--reply` ask for; whether setting up may go on.

    Args:
        enrolment: the terminal's.
        arguments: of the command line.
        retire: ends the event key that is there, for `--new-event-key`.

    Raises:
        KazasuError: in words for the installer.
    """
    if arguments.reply is not None:
        _take_reply(enrolment, arguments)
        return True
    if arguments.bundle is None:
        if arguments.request is not None or arguments.new_event_key:
            raise EnrolmentRefused("--request and --new-event-key go with --bundle: the request is made of one")
        return True

    def code(prompt: str) -> str:
        if arguments.code_file is not None:
            return read(arguments.code_file, "code").decode(errors="replace")
        return input(prompt)

    keys_go = retire if arguments.new_event_key else _nothing
    pending = enrolment.begin(arguments.bundle, code, dt.datetime.now(dt.UTC), opened=keys_go)
    if enrolment.accepted:
        return True
    if arguments.request is not None:
        write_new(arguments.request, enrolment.request_file.read_bytes(), 0o644)
        print(
            f"written    {arguments.request}: bring it to the desk, for `kazasu site accept {arguments.request.name}`"
        )
        print("then here    kazasu setup --reply FILE")
        return False
    return _asked(enrolment, pending)


def _nothing() -> None:
    """The event key that is there is kept."""


def _asked(enrolment: Enrolment, pending: Pending) -> bool:
    from kazasu.publishers.visit import unreached

    print(f"asking {pending.host}:{pending.port} for {pending.terminal}'s certificate; the desk answers with")
    print("`kazasu site accept --stay` …", flush=True)
    try:
        if enrolment.ask(pending, _WAIT_S):
            print(f"{pending.site} has admitted {pending.terminal}")
            return True
    except OSError as error:
        raise KazasuError(
            f"{unreached(pending.host, pending.port, error)} Was it given its files after `kazasu site add-terminal`?"
            " Without a broker: --request FILE"
        ) from error
    except BrokerUnsuitable as error:
        raise KazasuError(
            f"{error}\nA bundle may ask once the broker has its files: at the desk `kazasu site broker-config`, bring"
            " them, then the same command here"
        ) from error
    print("No answer yet. The request waits at the broker: run the same command again, and it goes on from here.")
    return False


def _take_reply(enrolment: Enrolment, arguments: argparse.Namespace) -> None:
    pending = enrolment.pending
    if pending is None:
        raise EnrolmentRefused("nothing was asked here: begin with `kazasu setup --bundle FILE --request OUT`")
    if enrolment.accepted:
        return
    try:
        enrolment.take(pending, read(arguments.reply, "reply"))
    except SignatureInvalid as error:
        raise EnrolmentRefused(f"{arguments.reply} is no reply to what {pending.terminal} asked: {error}") from error
    print(f"{pending.site} has admitted {pending.terminal}")
