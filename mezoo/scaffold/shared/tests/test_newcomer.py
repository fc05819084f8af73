"""What mezoo asks of every plugin, on the stand-in of the recipe. `pytest --mezoo newcomer` runs the same."""

from mezoo import testing

test_contract = testing.contract("newcomer")
