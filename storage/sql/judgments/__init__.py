"""Judgments and what was calibrated by them."""
