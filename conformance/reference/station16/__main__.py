"""Run the 1.6 reference station as a program: `python -m conformance.reference.station16 --csms-url … --identity …`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import ssl
import sys

from conformance.reference.station.process import StationProcess, standard_input
from conformance.reference.station16.config import StationConfig16
from conformance.reference.station16.station import ReferenceStation16


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance.reference.station16",
        description="A simulated OCPP 1.6-J charging station. Its password is read from OCPP_PASSWORD.",
    )
    parser.add_argument("--csms-url", required=True, help="address to dial, without the identity")
    parser.add_argument("--identity", default="CS001", help="identity of the station (default: %(default)s)")
    parser.add_argument("--mutant", help="run this broken variation instead of the compliant station")
    parser.add_argument("--ca-file", help="root certificates to trust, as PEM, for wss")
    parser.add_argument("--off", action="store_true", help="start with the mains off, until power_on")
    return parser.parse_args(words)


def station_class(mutant: str | None) -> type[ReferenceStation16]:
    """Return the class to run; end the program when there is no such mutant."""
    if mutant is None:
        return ReferenceStation16
    from conformance.reference.mutants16 import CONTROL, all_mutants, name_of  # noqa: PLC0415

    known = {**all_mutants(), name_of(CONTROL): CONTROL}
    if mutant not in known:
        raise SystemExit(f"--mutant: expected one of {', '.join(sorted(known))}; got {mutant}")
    return known[mutant]


async def run(options: argparse.Namespace) -> None:
    """Operate one station until standard input ends."""
    context = ssl.create_default_context(cafile=options.ca_file) if options.csms_url.startswith("wss:") else None
    config = StationConfig16(
        options.csms_url,
        options.identity,
        password=os.environ.get("OCPP_PASSWORD") or None,
        mutant=options.mutant,
        ssl_context=context,
    )
    station = station_class(options.mutant)(config)
    if not options.off:
        await station.power_on()
    await StationProcess(station, sys.stdout).run(await standard_input())


def main() -> None:
    """Run the program."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(arguments()))


if __name__ == "__main__":
    main()
