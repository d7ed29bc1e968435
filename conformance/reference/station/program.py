"""A reference station of any edition as a program, worked over its standard input and output."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import ssl
import sys
from typing import TYPE_CHECKING

from conformance.reference.station.process import StationProcess, standard_input
from conformance.reference.variants import named

if TYPE_CHECKING:
    from conformance.reference.station.config import StationConfig


def main(package: str, version: str, config_class: type[StationConfig]) -> None:
    """Run the program `python -m package` until its standard input ends."""
    options = arguments(f"python -m {package}", version)
    try:
        station_class = named(options.mutant, "station", version)
    except ValueError as error:
        raise SystemExit(f"--mutant: {error}") from None
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(options, station_class, config_class))


def arguments(program: str, version: str) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description=f"A simulated charging station for OCPP {version}. Its password is read from OCPP_PASSWORD.",
    )
    parser.add_argument("--csms-url", required=True, help="address to dial, without the identity")
    parser.add_argument("--identity", default="CS001", help="identity of the station (default: %(default)s)")
    parser.add_argument("--mutant", help="run this broken variation instead of the compliant station")
    parser.add_argument("--ca-file", help="root certificates to trust, as PEM, for wss")
    parser.add_argument("--off", action="store_true", help="start with the mains off, until power_on")
    return parser.parse_args()


async def run(options: argparse.Namespace, station_class: type, config_class: type[StationConfig]) -> None:
    """Operate one station until standard input ends."""
    context = ssl.create_default_context(cafile=options.ca_file) if options.csms_url.startswith("wss:") else None
    config = config_class(
        options.csms_url,
        options.identity,
        password=os.environ.get("OCPP_PASSWORD") or None,
        ssl_context=context,
    )
    station = station_class(config)
    if not options.off:
        await station.power_on()
    await StationProcess(station, sys.stdout).run(await standard_input())
