"""What people may read beside each cue: ports.Captions, with a display and without."""
