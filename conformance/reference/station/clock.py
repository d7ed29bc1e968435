"""The station's clock: the host's, plus what the CSMS corrected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """UTC clock with an adjustable offset against the host's."""

    def __init__(self, offset: float = 0.0) -> None:
        """Start `offset` seconds ahead of the host."""
        self.offset = offset

    def now(self) -> datetime:
        """Return the station's idea of the present."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def set(self, moment: datetime) -> None:
        """Make `moment` the present."""
        self.offset = (moment - datetime.now(UTC)).total_seconds()

    def stamp(self) -> str:
        """Return the present as RFC 3339 with milliseconds, in UTC."""
        return self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_moment(text: str) -> datetime | None:
    """Read an RFC 3339 date-time; None when it is not one, UTC when it names no offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
