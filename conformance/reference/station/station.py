"""The reference charging station."""

from __future__ import annotations

from conformance.reference.station.monitoring import Monitoring


class ReferenceStation(Monitoring):
    """A compliant OCPP 2.0.1 charging station, simulated on the caller's asyncio loop.

    It is switched off until `power_on`. The layers it is made of, from the bottom: state, messages, link, variables,
    reports, availability, transactions, provisioning, resets, certificates, everything else that a CSMS may ask for,
    monitors. Each rule is one small method, so that a mutant can break it alone.
    """
