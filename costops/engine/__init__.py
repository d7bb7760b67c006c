"""Rules become a program, the program becomes SQL, DuckDB runs it, and conservation is checked on every run."""
