"""What a terminal is for: one file a use."""
