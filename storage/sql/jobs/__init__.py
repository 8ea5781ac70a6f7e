"""Jobs, who is present, and whose turn it is, between processes."""
