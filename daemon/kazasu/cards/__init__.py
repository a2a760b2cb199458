"""What a card says about itself: one file a kind."""
