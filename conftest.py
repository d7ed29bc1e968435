"""What every test of the harness itself can use."""

pytest_plugins = ["pytester"]
