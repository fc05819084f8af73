"""For mezoo: newcomer."""
