"""M-BEIR's layout, read as it is spelled anywhere."""
