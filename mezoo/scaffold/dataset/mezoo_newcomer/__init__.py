"""A dataset for mezoo: newcomer."""
