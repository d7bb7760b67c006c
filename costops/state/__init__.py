"""The state store: one SQLite file that keeps every applied version, safe to read while it is written."""
