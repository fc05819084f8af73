"""Is a number honest? Checks of a recipe's split, features, fitted quantities and training, each as one row."""

from mezoo.audit.finding import Finding
from mezoo.audit.run import audit

__all__ = ["Finding", "audit"]
