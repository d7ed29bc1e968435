"""A listener that answers like a CSMS, and a loop whose complaints fail the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from wire_support import Serve, admit, answer_boot

from conformance.wire.link import Listener
from conformance.wire.transcript import Transcript


@pytest.fixture
def transcript() -> Transcript:
    return Transcript()


@pytest.fixture
def serve(transcript: Transcript) -> Serve:
    @asynccontextmanager
    async def listening(**options: Any) -> AsyncIterator[Listener]:
        given = {"on_frame": answer_boot, **options}
        listener = Listener("127.0.0.1", 0, given.pop("admit", admit), transcript, **given)
        await listener.start()
        try:
            yield listener
        finally:
            await listener.stop(grace=0.5)

    return listening


@pytest.fixture(autouse=True)
def _nothing_raised(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a callback or the loop complains of fails the test, unless it says that it expects it."""
    complaints: list[dict[str, Any]] = []

    def note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        complaints.append(context)

    monkeypatch.setattr(asyncio.BaseEventLoop, "default_exception_handler", note)
    yield complaints
    assert complaints == []


@pytest.fixture
def complaints(_nothing_raised: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the loop's exception handler got; a test that expects some clears it."""
    return _nothing_raised
