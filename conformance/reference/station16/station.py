"""The reference charging station for OCPP 1.6."""

from __future__ import annotations

from conformance.reference.station16.remote import RemoteControl16


class ReferenceStation16(RemoteControl16):
    """A compliant OCPP 1.6-J charge point, simulated on the caller's asyncio loop.

    It is switched off until `power_on`. The layers it is made of, from the bottom: state, messages, link, configuration
    keys, availability, authorization, reservations, meters, transactions, smart charging, provisioning, resets, and
    everything else that a Central System may ask for. Each rule is one small method, so that a mutant can break it
    alone.
    """
