"""Benchmarks: one script for each number, run as `python -m bench.NAME [--quick] [--json]`. docs/benchmarks.md says how to read them."""
