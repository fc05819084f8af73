"""SAMM and SAMM Long Videos (Manchester Metropolitan University)."""
