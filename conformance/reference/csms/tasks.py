"""Background tasks with an owner, which never outlive it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class Tasks:
    """The running tasks of one owner; what breaks one is logged."""

    def __init__(self) -> None:
        """Start with none."""
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` in the background."""
        return self.adopt(asyncio.get_running_loop().create_task(work))

    def adopt(self, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """Look after a task that somebody else started."""
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        """Forget a task."""
        self._running.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            logger.error("background task failed", exc_info=problem)

    async def cancel(self) -> None:
        """Cancel all tasks but the calling one, and see them end."""
        others = self._running - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
