"""The grid below the bar, the line above it, thumbs, and what narrows it."""
