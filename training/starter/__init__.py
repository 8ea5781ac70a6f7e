"""Trains, chooses and measures the starter encoder's heads: `python -m training.starter --data DIR`."""
