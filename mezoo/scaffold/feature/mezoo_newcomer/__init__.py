"""A feature for mezoo: newcomer."""
