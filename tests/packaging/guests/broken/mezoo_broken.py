"""A guest that cannot be imported."""

import a_module_that_nobody_has


class Net(a_module_that_nobody_has.Base):
    """Never seen."""
