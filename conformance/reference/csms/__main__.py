"""Run the reference CSMS as a program: `python -m conformance.reference.csms --port … --api-port …`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from conformance.reference.csms.config import CsmsConfig, SecuritySetup, StationSetup, TokenSetup
from conformance.reference.csms.csms import ReferenceCsms
from conformance.reference.variants import named


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance.reference.csms",
        description="A small CSMS for OCPP 1.6 and 2.0.1, worked through its HTTP API.",
    )
    parser.add_argument("--port", type=int, default=0, help="port for stations (default: any free one)")
    parser.add_argument("--api-port", type=int, default=0, help="port of the HTTP API (default: any free one)")
    parser.add_argument("--station", action="append", default=[], help="identity of a station to know; repeatable")
    parser.add_argument("--token", action="append", default=[], help="idToken to accept; repeatable")
    parser.add_argument("--pki", type=Path, help="folder with certificates, for security profiles 2 and 3")
    parser.add_argument("--operator", default="", help="the organization that certificates of stations must name")
    parser.add_argument("--mutant", help="run this broken variation instead of the compliant CSMS")
    return parser.parse_args()


async def run(options: argparse.Namespace, csms_class: type[ReferenceCsms]) -> None:
    """Run a CSMS until the program is told to end."""
    config = CsmsConfig(
        port=options.port,
        api_port=options.api_port,
        stations={identity: StationSetup() for identity in options.station},
        tokens={id_token: TokenSetup() for id_token in options.token},
        security=None if options.pki is None else SecuritySetup.read(options.pki, options.operator),
    )
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
    csms = csms_class(config)
    await csms.start()
    try:
        sys.stdout.write(f"stations: {csms.url}\napi: {csms.api_url}\n")
        for profile, url in csms.urls.items():
            sys.stdout.write(f"security profile {profile}: {url}\n")
        sys.stdout.flush()
        await ended.wait()
    finally:
        await csms.stop()


def main() -> None:
    """Run the program."""
    options = arguments()
    try:
        csms_class = named(options.mutant, "csms", "2.0.1", "1.6")
    except ValueError as error:
        raise SystemExit(f"--mutant: {error}") from None
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(options, csms_class))


if __name__ == "__main__":
    main()
