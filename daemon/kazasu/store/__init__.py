"""What survives a power cut: the journal, the roster, the send cursor. The only importer of sqlite3."""
