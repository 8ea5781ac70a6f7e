"""Multimodal language models that read a query with a candidate and say how likely it fits."""
