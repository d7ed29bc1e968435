"""The reference station, or a mutant of it, run inside the harness."""

from inspect import getattr_static
from pathlib import Path
from typing import Any

from conformance.sut.drivers.actions import Context, DriverFailed, Operable


class EmbeddedHands:
    """Runs the reference station of a version in the harness's own event loop; `mutant` is a class in its place."""

    trouble = ""

    def __init__(self, mutant: type | None = None, *, version: str = "2.0.1") -> None:
        self._class, self._config = _reference(version)
        self._class = mutant or self._class
        self._station: Operable | None = None

    def can(self, action: str) -> bool:
        """Whether the reference station has a method of that name."""
        return getattr_static(self._class, action, None) is not None

    async def start(self, context: Context) -> None:
        """Build the station and switch its mains on."""
        config = self._config(
            csms_url=context.csms_url,
            identity=context.identity,
            password=context.password.reveal() if context.password else None,
            security=_installed(context),
        )
        station: Operable = self._class(config)
        self._station = station
        await station.power_on()

    async def stop(self) -> None:
        """Switch the mains off for good."""
        station, self._station = self._station, None
        if station is not None:
            await station.power_off()

    async def act(self, action: str, **args: object) -> Any:
        """Call the station's method of that name, and give what it returns."""
        if self._station is None:
            raise DriverFailed(action, "the reference station has not been started")
        try:
            return await getattr(self._station, action)(**args)
        except (LookupError, TypeError, ValueError) as error:
            raise DriverFailed(action, f"the reference station can't do that: {error!r}") from error


def _installed(context: Context) -> Any:
    """What the factory and the installer have put into the station."""
    from conformance.reference.station.config import SecuritySetup  # noqa: PLC0415 -- needed by this driver only

    files = context.station_files()
    pem = {name: Path(file).read_text() if file else "" for name, file in files.items()}
    return SecuritySetup(
        profile=context.security_profile,
        roots=pem["root_file"],
        certificate=pem["certificate_file"],
        key=pem["key_file"],
        organization=context.operator,
    )


def _reference(version: str) -> tuple[type, type]:
    """The reference station of a version, and how it is set up; imported here, for it is needed by this driver only."""
    if version == "1.6":
        from conformance.reference.station16 import ReferenceStation16, StationConfig16  # noqa: PLC0415

        return ReferenceStation16, StationConfig16
    from conformance.reference.station import ReferenceStation, StationConfig  # noqa: PLC0415

    return ReferenceStation, StationConfig
