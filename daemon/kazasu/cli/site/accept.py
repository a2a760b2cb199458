"""Answer terminals that ask: admit the invited, renew certificates, give layers of the pepper to those that are here.

With a file, the answer is a file, too, for `kazasu setup --reply` at the terminal. Without one it looks at the broker,
where requests wait; with --stay it stays there and answers whoever comes. An invitation is used by the first request
that holds.
"""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kazasu.cli import EXIT_OK, EXIT_PROBLEM
from kazasu.cli.site import add_passphrase_argument, add_site_argument, passphrase_of, site_of
from kazasu.errors import EnrolmentRefused, KazasuError, KeyMaterialError
from kazasu.publishers.wire import Topics
from kazasu.site.admission import Admission
from kazasu.site.directory import replace_file
from kazasu.site.pepper_gifts import PepperGifts
from kazasu.site.plain_text import plain
from kazasu.site.terminal_record import is_name

if TYPE_CHECKING:
    import argparse

    from kazasu.publishers.exchange import Exchange
    from kazasu.publishers.news import Received
    from kazasu.site.directory import Site

_QUIET_S = 1.0  # what is retained comes at once
_FOR_EVER_S = 365 * 86400.0
_AGAIN_S = 2.0


class _Desk(NamedTuple):
    """Who answers: for certificates, and for layers of the pepper."""

    site: Site
    admission: Admission
    gifts: PepperGifts


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("request", type=Path, nargs="?", metavar="FILE", help="a request; else those at the broker")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the reply goes; default: FILE with .reply")
    parser.add_argument("--stay", action="store_true", help="at the broker: go on answering until Ctrl-C")
    parser.add_argument(
        "--certificate", type=Path, metavar="PEM", help="with FILE: what your own CA made of the request"
    )
    add_site_argument(parser)
    add_passphrase_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Answer."""
    site = site_of(arguments)
    passphrase = passphrase_of(arguments)
    authority = site.authority(passphrase) if site.has_authority else None
    signer = site.unlock(passphrase)
    admission = Admission(site, signer, authority)
    if arguments.request is None:
        if authority is None:
            print("this site's CA is elsewhere: requests for certificates come as files, `kazasu site accept FILE`")
        desk = _Desk(site, admission, PepperGifts(site, signer))
        with site.answering():
            return _answers_until_told(desk) if arguments.stay else _at_the_broker(desk, _QUIET_S)
    return _one_file(site, admission, arguments)


def _one_file(site: Site, admission: Admission, arguments: argparse.Namespace) -> int:
    payload = _content(arguments.request)
    now = dt.datetime.now(dt.UTC)
    certificate = None
    if arguments.certificate is not None:
        from kazasu.site.pem import certificate_in

        certificate = certificate_in(_content(arguments.certificate), arguments.certificate)
    elif not site.has_authority:
        request = admission.request_of(payload, now)
        csr = site.file("requests") / f"{request.terminal}.csr"
        replace_file(csr, request.csr.encode(), 0o644)
        print(f"the request holds; let your CA sign {csr}, then")
        print(f"  kazasu site accept {arguments.request} --certificate FILE")
        return EXIT_OK
    answer = admission.accept(payload, now, certificate)
    out = arguments.out or arguments.request.with_suffix(".reply")
    replace_file(out, answer.body + b"\n", 0o644)
    print(f"accepted {answer.fields['terminal']}; bring {out} to it, for `kazasu setup --reply {out.name}`")
    return EXIT_OK


def _answers_until_told(desk: _Desk) -> int:
    """Go on, over a restart of the broker, too: it gets new files whenever somebody is invited."""
    while True:
        try:
            return _at_the_broker(desk, _FOR_EVER_S)
        except _Lost as error:
            print(f"lost     {error} Trying again", flush=True)
            time.sleep(_AGAIN_S)


def _at_the_broker(desk: _Desk, patience_s: float) -> int:
    """Answer until nobody has asked for so long.

    Raises:
        _Lost: the broker cannot be reached, or was and is not.
    """
    from kazasu.publishers.exchange import exchanging
    from kazasu.publishers.visit import unreached

    code, site, asked = EXIT_OK, desk.site, False
    try:
        everybody = Topics(site.name, "+")
        topics = (everybody.pepper_wish, *((everybody.enrol_request,) if site.has_authority else ()))
        with exchanging(site.broker("desk"), "kazasu-site-accept", topics) as exchange:
            print(f"listening at {site.address.host}:{site.address.port}", flush=True)
            while (received := exchange.receive(patience_s)) is not None:
                asked |= bool(received.payload)
                if received.payload and not _answered(desk, exchange, received):
                    code = EXIT_PROBLEM
            if not asked:
                print("nobody asks")
    except OSError as error:
        raise _Lost(unreached(site.address.host, site.address.port, error)) from error
    return code


class _Lost(KazasuError):
    """The broker does not answer."""


def _answered(desk: _Desk, exchange: Exchange, received: Received) -> bool:
    """Answer one request and take it away; whether it was accepted.

    A refusal is not retained: it must not take the place of an answer that the terminal has not fetched yet.
    """
    terminal = received.topic.removeprefix(Topics(desk.site.name, "").up).partition("/")[0]
    topics, payload = Topics(desk.site.name, terminal), received.payload
    if received.topic not in {topics.enrol_request, topics.pepper_wish} or not is_name(terminal):
        print(f"refused  {plain(terminal, 40)}: no terminal's topic: {plain(received.topic)}", flush=True)
        return False
    reply_topic, what = topics.enrol_reply, ""
    if received.topic == topics.pepper_wish:
        reply_topic, what = topics.pepper_gift, ": all layers of the pepper"
    try:
        if what:
            answer = desk.gifts.give(payload, terminal)
        else:
            answer = desk.admission.accept(payload, dt.datetime.now(dt.UTC), by=terminal)
    except EnrolmentRefused as error:
        print(f"refused  {terminal}: {error}", flush=True)
        said = str(error)
        no = desk.gifts.refused(payload, terminal, said) if what else desk.admission.refused(payload, said)
        if no is not None:
            exchange.publish(reply_topic, no.body, retain=False)
        accepted = False
    else:
        print(f"accepted {terminal}{what}", flush=True)
        exchange.publish(reply_topic, answer.body, retain=True)
        accepted = True
    exchange.publish(received.topic, b"", retain=True)
    return accepted


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyMaterialError(f"{path}: {error.strerror}") from error
