"""Collections as a whole: lists, spaces, upkeep, backups."""
