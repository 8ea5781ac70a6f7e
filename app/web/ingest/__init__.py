"""The Ingest screen: where from, how far, what failed."""
