"""A model for mezoo: newcomer."""
