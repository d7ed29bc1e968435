"""OCPP 1.6, chapter 5.17, and white paper 5.5: the Central System asks for messages."""

from contextlib import suppress

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import NotSeen, Refused
from conformance.peers.scenes import (
    all_connectors_reported,
    configured,
    connectors_show,
    latest_statuses,
    vacated,
)
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile

STATUSES = ("Accepted", "Rejected", "NotImplemented")
MEASURANDS = "MeterValuesSampledData"
SILENT = {
    "trigger-firmware-status": "FirmwareStatusNotification",
    "trigger-diagnostics-status": "DiagnosticsStatusNotification",
}
"""Messages that an idle station sends only when it is asked for them, by the claim that it can be."""


@case(
    "TRIGGER_MESSAGES_CS",
    "Each message that the station claims to send on request is answered for and sent, a connector or not",
    versions=["1.6"],
    needs="remote-trigger",
    requirements=["16.TRIGGER.01", "16.TRIGGER.02", "16.TRIGGER.03", "16.TRIGGER.05"],
)
async def test_messages(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for a heartbeat, for the state of firmware and diagnostics, and for a heartbeat of a connector."""
    claimed = [message for claim, message in SILENT.items() if profile.claims(claim)]
    ordered = False
    for message in claimed:
        mark = csms.now
        with spec.must("16.TRIGGER.02"):
            answer = await csms.speak.trigger(message)
            assert answer["status"] in STATUSES, f"a trigger for {message} was answered {answer['status']}"
        if answer["status"] != "Accepted":
            continue
        sent = None
        with spec("16.TRIGGER.03"):
            sent = await csms.expect(message, after=mark)
        if sent is not None:
            ordered = True
            with spec("16.TRIGGER.01"):
                csms.touch(answer, sent)
                assert sent.n > answer.n, f"{message} came before the answer to the trigger for it"
    if not ordered:
        spec.excuse("16.TRIGGER.01", "no message that comes on request only was claimed, Accepted and sent")
    mark = csms.now
    with spec.must("16.TRIGGER.02"):
        answer = await csms.speak.trigger("Heartbeat")
        assert answer["status"] in STATUSES, f"a trigger for Heartbeat was answered {answer['status']}"
    if answer["status"] != "Accepted":
        for requirement in ("16.TRIGGER.03", "16.TRIGGER.05"):
            spec.excuse(requirement, f"the trigger for Heartbeat was answered {answer['status']}")
        return
    with spec("16.TRIGGER.03"):
        await csms.expect("Heartbeat", after=mark)
    mark = csms.now
    with spec("16.TRIGGER.05"):
        answer = await csms.speak.trigger("Heartbeat", profile.connectors[0])
        assert answer["status"] == "Accepted", f"with a connector the trigger for Heartbeat was {answer['status']}"
        await csms.expect("Heartbeat", after=mark)


@case(
    "TRIGGER_STATUS_CS",
    "The status that is asked for is that of now: of one connector, or of the station and all of them",
    versions=["1.6"],
    needs="remote-trigger and trigger-status-notification",
    requirements=["16.TRIGGER.03", "16.TRIGGER.06", "16.TRIGGER.08", "16.TRIGGER.11"],
)
async def test_status(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Plug an EV in where somebody can, and ask for one connector, for all, and for connector 0."""
    spot = profile.connectors[-1]
    async with vacated(station, csms):
        before = csms.now
        if station.can("plug_in"):
            await station.plug_in(*spot)
            await connectors_show(csms, [spot], *csms.speak.in_use, after=before)
        mark = csms.now
        answer = await csms.speak.trigger("StatusNotification", spot)
        assert answer["status"] == "Accepted", f"the trigger for {csms.speak.name(spot)} was {answer['status']}"
        with spec("16.TRIGGER.03"):
            await all_connectors_reported(csms, [spot], after=mark)
        told = latest_statuses(csms, after=mark).get(spot)
        if spot in station.plugged and told is not None:
            with spec("16.TRIGGER.08"):
                csms.touch(told.message)
                assert told.status in csms.speak.in_use, (
                    f"{csms.speak.name(spot)}, where an EV is plugged in, was {told.status} when it was asked for"
                )
        else:
            spec.excuse("16.TRIGGER.08", "nobody could plug an EV in, or no status was told")
        mark = csms.now
        answer = await csms.speak.trigger("StatusNotification")
        assert answer["status"] == "Accepted", f"the trigger without a connector was {answer['status']}"
        with spec("16.TRIGGER.06"):
            await all_connectors_reported(csms, (*profile.connectors, *csms.speak.own_places), after=mark)
        mark = csms.now
        try:
            answer = await csms.speak.trigger("StatusNotification", csms.speak.own_places[0])
        except Refused:  # the field only takes numbers above 0, by its definition
            spec.excuse("16.TRIGGER.11", "the trigger for connector 0 was refused with a CALLERROR")
            return
        if answer["status"] != "Accepted":
            spec.excuse("16.TRIGGER.11", f"the trigger for connector 0 was {answer['status']}")
            return
        with spec("16.TRIGGER.11"):
            await all_connectors_reported(csms, csms.speak.own_places, after=mark)


@case(
    "TRIGGER_METER_VALUES_CS",
    "Meter values that are asked for show all that MeterValuesSampledData names, as it is now",
    versions=["1.6"],
    needs="remote-trigger and trigger-meter-values",
    requirements=["16.TRIGGER.03", "16.TRIGGER.07"],
)
async def test_meter_values(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Have two measurands sampled where the station can measure them, and ask for the values of a connector."""
    spot = profile.connectors[0]
    known = profile.claims_map().get("measurands-tx-updated")
    wanted = ",".join(known[:2]) if isinstance(known, tuple) else "Energy.Active.Import.Register"
    async with configured(csms, {MEASURANDS: wanted}):
        mark = csms.now
        answer = await csms.speak.trigger("MeterValues", spot)
        assert answer["status"] == "Accepted", f"the trigger for MeterValues was {answer['status']}"
        with spec.must("16.TRIGGER.03"):
            values = await csms.expect("MeterValues", after=mark, connectorId=profile.connectors.index(spot) + 1)
        with spec("16.TRIGGER.07"):
            sampled = [each for value in values["meterValue"] for each in value["sampledValue"]]
            shown = {each.get("measurand", "Energy.Active.Import.Register") for each in sampled}
            missing = set(wanted.split(",")) - shown
            assert not missing, f"{MEASURANDS} is {wanted}, and {', '.join(sorted(missing))} was not sent"


@case(
    "TRIGGER_UNKNOWN_CS",
    "A trigger for a message that does not exist is answered NotImplemented, or refused",
    versions=["1.6"],
    needs="remote-trigger",
    requirements=["16.TRIGGER.04"],
    severity=Severity.MINOR,
)
async def test_unknown(csms: CsmsPeer, spec: Spec) -> None:
    """Ask for a message that no version of OCPP has."""
    with spec("16.TRIGGER.04"), suppress(Refused):
        answer = await csms.speak.trigger("NotifyHalfmoon")
        assert answer["status"] == "NotImplemented", f"a trigger for NotifyHalfmoon was answered {answer['status']}"


@case(
    "TRIGGER_BOOT_WHEN_ACCEPTED_CS",
    "Once accepted, the station takes no trigger for another boot (the CSMS breaks a rule here)",
    versions=["1.6"],
    needs="remote-trigger",
    requirements=["16.TRIGGER.09"],
    severity=Severity.MINOR,
)
async def test_boot_when_accepted(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask an accepted station to boot."""
    with spec("16.TRIGGER.09"):
        answer = await csms.speak.trigger("BootNotification")
        status = answer["status"]
        if status == "Accepted":
            with suppress(NotSeen):
                await csms.expect("BootNotification", after=answer, within=profile.timing.settle)
        assert status in ("Rejected", "NotImplemented"), f"an accepted station answered a trigger for a boot {status}"


@case(
    "EXTENDED_TRIGGER_CS",
    "The trigger of the white paper is answered for, and brings its message",
    versions=["1.6"],
    needs="security-extension",
    requirements=["16S.TRIGGER.01", "16S.TRIGGER.02"],
)
async def test_extended(csms: CsmsPeer, spec: Spec) -> None:
    """Ask for a heartbeat, and for the state of the log."""
    taken = False
    for message in ("Heartbeat", "LogStatusNotification"):
        with spec.must("16S.TRIGGER.01"):
            answer = await csms.call("ExtendedTriggerMessage", {"requestedMessage": message})
            assert answer["status"] in STATUSES, f"a trigger for {message} was answered {answer['status']}"
        if answer["status"] == "Accepted":
            taken = True
            with spec("16S.TRIGGER.02"):
                await csms.expect(message, after=answer)
    if not taken:
        spec.excuse("16S.TRIGGER.02", "the station Accepted none of the triggers")
