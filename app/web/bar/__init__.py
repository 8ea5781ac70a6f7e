"""The bar: instruction, words, picture and options."""
