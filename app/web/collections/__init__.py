"""The Collections screen: counts, encoder, index and the doctor's verdict."""
