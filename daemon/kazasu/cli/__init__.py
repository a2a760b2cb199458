"""The commands an installer types: one file a command."""
