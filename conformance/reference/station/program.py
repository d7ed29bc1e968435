"""A reference station of any edition as a program, worked over its standard input and output."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.reference.station.config import SecuritySetup
from conformance.reference.station.power import text_of
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
    parser.add_argument("--security-profile", type=int, choices=(1, 2, 3), help="default: 1 for ws, 2 for wss")
    parser.add_argument("--ca-file", default="", help="root certificates to trust, as PEM, for wss")
    parser.add_argument("--certificate-file", default="", help="the station's own certificate, as PEM, for profile 3")
    parser.add_argument("--key-file", default="", help="the key of that certificate, as PEM")
    parser.add_argument("--operator", help="who operates the station: the O of its certificate")
    parser.add_argument("--off", action="store_true", help="start with the mains off, until power_on")
    return parser.parse_args()


async def run(options: argparse.Namespace, station_class: type, config_class: type[StationConfig]) -> None:
    """Operate one station until standard input ends."""
    security = SecuritySetup(
        profile=options.security_profile or (2 if options.csms_url.startswith("wss:") else 1),
        roots=text_of(options.ca_file),
        certificate=text_of(options.certificate_file),
        key=text_of(options.key_file),
    )
    if options.operator:
        security = replace(security, organization=options.operator)
    config = config_class(
        options.csms_url,
        options.identity,
        password=os.environ.get("OCPP_PASSWORD") or None,
        security=security,
    )
    station = station_class(config)
    if not options.off:
        await station.power_on()
    await StationProcess(station, sys.stdout).run(await standard_input())
