"""The terminal's way to the site's broker and back: one thread, one connection at a time.

The connection: line.py opens one after the other (attempt.py, tls.py, backoff.py), for publisher.py as for the
collector and for who reads along at the site; sessions.py makes a terminal's, session.py drives one, mqtt.py is it, and
news.py what happens on it. wire.py has topics and payloads for both ways.

Up: delivery.py sends the journal's events (window.py: what is on its way; again.py: what somebody asked for once more);
report.py sends what the terminal says of itself (board.py, muster.py).

Down: downlink.py takes every message, and nothing in it counts before a `*_trust.py` believes it. From there

- a receipt (receipt_trust.py) goes to the terminal's thread;
- a command goes to command_listener.py, which asks command_trust.py who signed it and for whom; then to the terminal's
  thread, where kazasu/commands.py asks whether it is fresh and new, and kazasu/orders/ does it; what a command may ask
  is model/command.py's. The answer goes back the same way;
- a roster goes by roster_mail.py to a thread of its own, roster_updates.py, which asks roster_trust.py whether to
  believe it and roster_request.py for its parts; roster_outcomes.py tells what came of it.

Commands of `kazasu` that talk to the broker themselves do so by visit.py and exchange.py.
"""
