from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.sut.drivers import Context
from conformance.sut.profile import SutProfile, load_profile
from conformance.sut.secret import Secret

MINIMAL = """
role = "station"
versions = ["2.0.1"]
identity = "CS001"

[sut]
name = "Box"

[[evse]]
id = 1

[[evse.connector]]
id = 1
type = "cType2"
"""


class Notes:
    """What a driver noted, as pairs of text and details."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, text: str, **detail: object) -> None:
        self.taken.append((text, detail))

    def __str__(self) -> str:
        return "\n".join(f"{text} {detail}" for text, detail in self.taken)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def context(tmp_path: Path, notes: Notes) -> Context:
    return Context(
        csms_url="ws://127.0.0.1:9000/ocpp",
        identity="CS 001",
        folder=tmp_path / "run",
        note=notes,
        password=Secret("correct horse battery"),
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a profile: the smallest possible with lines before and after it, or a whole other text."""

    def write_profile(*, before: str = "", after: str = "", whole: str | bytes | None = None) -> Path:
        path = tmp_path / "sut.toml"
        text = f"{before}\n{MINIMAL}\n{after}" if whole is None else whole
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_profile


@pytest.fixture
def profile(write: Callable[..., Path]) -> Callable[..., SutProfile]:
    return lambda **parts: load_profile(write(**parts))
