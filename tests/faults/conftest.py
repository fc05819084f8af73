"""What a test injects is told by its mark, and counted by `matrix.py`."""


def pytest_configure(config):
    config.addinivalue_line("markers", "faults(row, each=1): a row of the table in README.md, and faults in each case")
