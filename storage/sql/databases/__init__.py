"""What SQLite and Postgres have in common, and what each has its own way for."""
