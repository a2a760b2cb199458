"""Where people enter the PIN of their card: a keypad on USB, one on the header, the terminal of a command line."""
