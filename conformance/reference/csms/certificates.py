"""Certificates of stations: whose they are, and how they get new ones (Part 2 A00, A02; B01)."""

from __future__ import annotations

from conformance.reference.csms.commands import Commands


class Certificates(Commands):
    """Looks at certificates of stations and signs them."""
