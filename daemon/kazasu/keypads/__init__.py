"""Where people enter their card's PIN, or a code and its PIN: on USB, on the header, at a command line's terminal."""
