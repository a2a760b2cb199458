"""Where taps come from."""
