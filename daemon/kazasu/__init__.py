"""Kazasu: a time recorder and door terminal for the cards that people already carry."""

__version__ = "0.3.0"
