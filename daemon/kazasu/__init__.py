"""Kazasu: a time recorder and door terminal."""
