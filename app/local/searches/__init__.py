"""Searches, their answers, and what they are about: documents, kept pictures, examples, facets."""
