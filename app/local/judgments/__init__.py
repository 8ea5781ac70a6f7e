"""Judgments: given, imported, scored, and calibrated by."""
