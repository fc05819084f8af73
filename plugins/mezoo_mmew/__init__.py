"""MMEW (Shandong University)."""
