"""What people may read beside each cue: ports.captions.Captions, with a display and without."""
