"""The composition root, a file a part: with them, nothing else names concrete adapters."""
