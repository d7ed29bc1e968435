"""Where the data that the harness ships is found: in a wheel inside the package, in a checkout beside it."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data(name: str) -> Path:
    """The path of a shipped file or folder, such as `fixtures/profiles/x.toml`, `testcases` or `catalogue`.

    Raises FileNotFoundError with the name where it is nowhere.
    """
    for root in (_PACKAGE, _PACKAGE.parent):
        path = root / name
        if path.exists():
            return path
    raise FileNotFoundError(f"the installation is incomplete: {name} is neither in {_PACKAGE} nor beside it")
