"""A demonstration on some forty documents: photographs out of two packages, captions and notes of our own."""
