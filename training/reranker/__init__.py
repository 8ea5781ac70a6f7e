"""Making the reranker's weights, and measuring what it changes."""
