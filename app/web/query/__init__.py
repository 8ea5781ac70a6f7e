"""What is asked, in the session and in the address, and what was found for it."""
