"""Ingests and fillings as jobs: the board, whose turn it is, uploads."""
