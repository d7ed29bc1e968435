"""The reference charging station for OCPP 1.6."""

from __future__ import annotations

from conformance.reference.station16.firmware import Firmware16


class ReferenceStation16(Firmware16):
    """A compliant OCPP 1.6-J charge point, simulated on the caller's asyncio loop.

    It is switched off until `power_on`. The layers it is made of, from the bottom: state, messages, link, configuration
    keys, availability, authorization, reservations, meters, transactions, smart charging, provisioning, resets,
    everything else that a Central System may ask for, and new firmware. Each rule is one small method, so that a mutant
    can break it alone.
    """
