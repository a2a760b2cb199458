"""Virtual cards that speak vpcd's protocol, for the demo and the tests."""
