"""What is counted, how sure it is, and what was published."""
