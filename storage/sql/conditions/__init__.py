"""The filter language in SQL, as each database spells it."""
