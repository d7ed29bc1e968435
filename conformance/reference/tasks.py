"""Background tasks that belong to an owner and never outlive it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

logger = logging.getLogger(__name__)


class Tasks:
    """A set of running tasks; failures are logged, never left unretrieved."""

    def __init__(self) -> None:
        """Start empty."""
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` in the background."""
        return self.adopt(asyncio.get_running_loop().create_task(work))

    def adopt(self, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """Look after a task that somebody else started."""
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        """Forget a task and log what broke it."""
        self._running.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            logger.error("background task failed", exc_info=problem)

    async def cancel(self) -> None:
        """Cancel every task but the calling one, and wait until they are gone."""
        others = [task for task in self._running if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
