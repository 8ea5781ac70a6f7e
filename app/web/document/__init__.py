"""A document opened over the results: picture, text, why it was found."""
