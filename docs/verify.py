#!/usr/bin/env python3
"""Verify with nothing of Kazasu: `mosquitto_sub … | verify.py EVENT.pub.pem`; of receipts, COLLECTOR.pub.pem second."""

import base64, hashlib, json, sys  # noqa: E401, I001

import rfc8785  # any RFC 8785 library will do
from cryptography.hazmat.primitives.serialization import load_pem_public_key

keys = [load_pem_public_key(open(file, "rb").read()) for file in sys.argv[1:]]  # noqa: SIM115, PTH123
heads = {}  # (terminal, epoch) -> (seq, digest) of the newest event in order
for line in sys.stdin:
    event = json.loads(line)
    is_receipt = "hash" in event
    signature = base64.b64decode(event.pop("sig"))
    covered = rfc8785.dumps(event)
    keys[is_receipt].verify(signature, covered)  # raises InvalidSignature if a byte is not what was signed
    chain, seq, digest = (event["terminal"], event["epoch"]), event["seq"], hashlib.sha256(covered).hexdigest()
    if is_receipt:  # the collector says: every event up to this one is kept
        assert heads.get(chain) == (seq, event["hash"]), f"{chain}: the receipt is for another event {seq}"  # noqa: S101
        print("vouched for", *chain, "up to", seq, flush=True)  # noqa: T201
        continue
    before, head = heads.get(chain, (seq - 1, event["prev"]))
    if seq <= before:
        continue  # at-least-once: sent again
    assert (seq, event["prev"]) == (before + 1, head), f"{chain}: event {seq} does not follow {before}"  # noqa: S101
    heads[chain] = (seq, digest)
    print("verified", *chain, seq, event["time"], event["event_type"], flush=True)  # noqa: T201
