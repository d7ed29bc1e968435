"""How a peer answers a call: scripted in a case, or by its defaults."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Error:
    """Answer with a CALLERROR."""

    code: str
    description: str = ""
    details: Payload = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raw:
    """Answer with this text, whatever it is; `{id}` in it becomes the id of the call."""

    text: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Never answer."""


@dataclass(frozen=True, slots=True)
class Late:
    """Answer after a delay in seconds; with None the default answer."""

    seconds: float
    then: Payload | Callable[[Payload], Payload] | Error | Raw | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Answer by default once this happens."""

    until: asyncio.Event


Chosen = Payload | Error | Raw | Silence | Late | Held
Answer = Chosen | Callable[[Payload], Chosen]
"""What a peer can be told to answer: a payload, one of the above, or a function from the call's payload to those."""
