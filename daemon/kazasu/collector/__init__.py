"""Runs beside the broker: checks events, keeps each exactly once, finds gaps, acknowledges, asks again."""
