"""For every test below; it is also read when the shipped cases are run from another folder, so it loads no plugins."""
