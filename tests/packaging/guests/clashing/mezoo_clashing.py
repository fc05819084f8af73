"""A guest that takes a name that is taken."""

from mezoo import Recognizer


class Net(Recognizer):
    """Another network of the same name."""

    def __init__(self, depth: int = 1) -> None:
        super().__init__()
        self.depth = depth
