"""Runs for people: Markdown, HTML, plots."""
