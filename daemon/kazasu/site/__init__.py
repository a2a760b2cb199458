"""The site's side of trust: its keys, its terminals, and what it signs for them."""
