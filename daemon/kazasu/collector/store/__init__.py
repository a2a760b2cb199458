"""Where events are kept: one set of tables and one text of SQL, for SQLite and for PostgreSQL."""
