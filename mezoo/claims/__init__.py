"""Claims: a run packed so that a stranger computes every number again, without videos; and the verdict on one."""

from mezoo.claims.archive import Members, read_folder, read_zip
from mezoo.claims.reasons import Reason, Refused
from mezoo.claims.submit import Packed, pack
from mezoo.claims.verdict import Verdict, verify

__all__ = ["Members", "Packed", "Reason", "Refused", "Verdict", "pack", "read_folder", "read_zip", "verify"]
