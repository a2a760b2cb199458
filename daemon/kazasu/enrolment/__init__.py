"""How a terminal joins its site: what desk and terminal hand each other, on a stick or over the broker.

    bundle    desk → terminal   what a terminal of the site has to know, under a one-time code
    request   terminal → desk   the terminal's public keys, signed with the bundle's one-time key
    reply     desk → terminal   the terminal's certificate, signed with the site key

Private keys are made where they are used and never travel. docs/decisions/0020-provisioning.md says why it is so.
"""
