"""The Search screen as a whole, and what it says where there is nothing to show."""
