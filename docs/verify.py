#!/usr/bin/env python3
"""Verify events with nothing of Kazasu: `mosquitto_sub … -t 'kazasu/v1/+/up/+/event' | verify.py event-key.pub.pem`."""

import base64, hashlib, json, sys  # noqa: E401, I001

import rfc8785  # any RFC 8785 library will do
from cryptography.hazmat.primitives.serialization import load_pem_public_key

key = load_pem_public_key(open(sys.argv[1], "rb").read())  # noqa: SIM115, PTH123
heads = {}  # (terminal, epoch) -> (seq, digest) of the newest event in order
for line in sys.stdin:
    event = json.loads(line)
    signature = base64.b64decode(event.pop("sig"))
    covered = rfc8785.dumps(event)
    key.verify(signature, covered)  # raises InvalidSignature if a byte is not what the terminal signed
    chain, seq, digest = (event["terminal"], event["epoch"]), event["seq"], hashlib.sha256(covered).hexdigest()
    before, head = heads.get(chain, (seq - 1, event["prev"]))
    if seq <= before:
        continue  # at-least-once: sent again
    assert (seq, event["prev"]) == (before + 1, head), f"{chain}: event {seq} does not follow {before}"  # noqa: S101
    heads[chain] = (seq, digest)
    print("verified", *chain, seq, event["time"], event["event_type"], flush=True)  # noqa: T201
