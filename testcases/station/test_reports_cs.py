"""Use case B07: the CSMS asks for a base report of the device model."""

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.device_model import DeviceModel, Variable
from conformance.oracles.inventory import (
    Fault,
    described,
    gaps,
    judge,
    note,
    required,
    required_in_configuration,
    told,
)
from conformance.peers.csms import CsmsPeer
from conformance.peers.inventories import BaseReport, ask_for_base_report, claimed, collect, fetch, report_of
from conformance.peers.received import NotSeen
from conformance.sut.profile import SutProfile

CONFIGURATION, FULL, SUMMARY = "ConfigurationInventory", "FullInventory", "SummaryInventory"


@case(
    "TC_B_12_CS",
    "The configuration inventory: all that can be set, and nothing else",
    requirements=["B07.FR.01", "B07.FR.03", "B07.FR.04", "B07.FR.07", "B07.FR.10", "B07.FR.12", "DM.CONFIG.01"],
    severity=Severity.CRITICAL,
)
async def test_configuration_inventory(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for it, and look for what every station of these claims must let its operator set."""
    report = await obtained(csms, spec, profile, CONFIGURATION)
    model = report.model
    missing = required_in_configuration(model, claimed(profile))
    note(spec, "B07.FR.07", [*undescribed("B07.FR.07", model), *missing], hint=report.hint)
    with spec("DM.CONFIG.01"):
        fixed = [f"{each} can't be written" for each in model if each.attributes and not each.writable]
        assert not fixed, told(fixed)


@case(
    "TC_B_13_CS",
    "The full inventory: all that there is",
    requirements=["B07.FR.01", "B07.FR.03", "B07.FR.04", "B07.FR.08", "B07.FR.10", "B07.FR.12"],
    severity=Severity.CRITICAL,
)
async def test_full_inventory(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for it, and look for what every station of these claims must have."""
    report = await obtained(csms, spec, profile, FULL)
    missing = [Fault("B07.FR.08", each.text, each.certain) for each in required(report.model, claimed(profile))]
    note(spec, "B07.FR.08", [*undescribed("B07.FR.08", report.model), *missing], hint=report.hint)


@case(
    "TC_B_14_CS",
    "The summary: how available the station is",
    requirements=["B07.FR.01", "B07.FR.03", "B07.FR.04", "B07.FR.09", "B07.FR.10"],
    severity=Severity.NORMAL,
    needs="summary-report or advanced-device-management",
)
async def test_summary(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for it; of a connector nothing need be told that its EVSE does not tell."""
    report = await obtained(csms, spec, profile, SUMMARY)
    model = report.model
    with spec("B07.FR.09"):
        missing = [
            f"{component}.AvailabilityState is missing"
            for component, found in (
                ("ChargingStation", model.find("ChargingStation", "AvailabilityState")),
                *((f"EVSE({evse.id})", model.find("EVSE", "AvailabilityState", evse=evse.id)) for evse in profile.evse),
            )
            if found is None
        ]
        wrong = [*missing, *described(model)]
        assert not wrong, told(wrong, hint=report.hint)


@case(
    "TC_B_15_CS",
    "A summary, asked of a station that makes none",
    requirements=["B07.FR.02", "B07.FR.05"],
    severity=Severity.MINOR,
    needs="not summary-report and not advanced-device-management",
)
async def test_no_summary(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Ask for it, and wait for what should not come."""
    mark = csms.now
    with spec.must("B07.FR.02"):
        asked = await ask_for_base_report(csms, SUMMARY, pause=profile.timing.settle)
        assert asked.status == "NotSupported", f"expected NotSupported, got {asked.status}"
    with spec("B07.FR.05"):
        await no_report(csms, asked, after=mark, watched=profile.timing.settle)


@case(
    "TC_B_53_CS",
    "The variables that every station must have are there, and are what they should be",
    requirements=[
        "DM.REQUIRED.01",
        "DM.REQUIRED.02",
        "DM.REQUIRED.03",
        "DM.TYPE.01",
        "DM.MUTABILITY.01",
        "DM.LIMIT.01",
        "DM.VALUESLIST.01",
        "DM.VALUE.01",
        "DM.VALUE.02",
        "DM.WRITEONLY.01",
    ],
    severity=Severity.CRITICAL,
)
async def test_required_variables(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Fetch the full inventory, and judge it by what the profile claims."""
    report = await fetch(csms, FULL, pause=profile.timing.settle)
    faults = judge(report.model, claimed(profile))
    for requirement in spec.case.requirements:
        note(spec, requirement, faults, hint=report.hint)


@case(
    "REPORT_PARTS_CS",
    "A report is announced before it comes, and says where it ends",
    requirements=["DM.REPORT.01", "J.ORDER.01"],
    severity=Severity.NORMAL,
)
async def test_parts(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Fetch the full inventory, and look at its parts rather than at what is in them."""
    report = await fetch(csms, FULL, pause=profile.timing.settle, linger=profile.timing.settle)
    with spec("J.ORDER.01"):
        assert report.parts[0].n > report.answer.n, "the first part of the report came before the answer to its request"
    with spec("DM.REPORT.01"):
        assert not report.broken_off, report.broken_off
        early = [str(number) for number, part in enumerate(report.parts[:-1], start=1) if part.get("tbc") is not True]
        assert not early, f"part {', '.join(early)} of {len(report.parts)} says that nothing follows"


# -- steps ------------------------------------------------------------------------------------------------------------


async def obtained(csms: CsmsPeer, spec: Spec, profile: SutProfile, base: str) -> BaseReport:
    """Ask for a base report, collect it, and judge what holds for every one: accepted, numbered, with the right id.

    A station must be able to make all but the summary (B07.FR.12); one that is always too busy is not.
    """
    mark = csms.now
    with spec.must("B07.FR.01"):
        asked = await ask_for_base_report(csms, base, pause=profile.timing.settle)
        unable = "B07.FR.12" in spec.case.requirements and asked.status in ("NotSupported", "Rejected")
        assert unable or asked.status == "Accepted", f"GetBaseReport {base} was answered {asked.status}"
    if "B07.FR.12" in spec.case.requirements:
        with spec.must("B07.FR.12"):
            assert asked.status == "Accepted", f"every station makes this report, and this one answers {asked.status}"
    with spec.must("B07.FR.03"):
        report = await collect(csms, asked, after=mark, linger=profile.timing.settle)
        csms.touch(report.answer, *report.parts)
        assert report.parts, f"{base} was accepted, and {report.broken_off}"
        assert report.model.variables or report.model.unreadable, f"{base} was accepted, and is empty"
        secrets = [f"{each} is write-only, and its value is told" for each in report.model if tells_secret(each)]
        assert not secrets, told(secrets)
    with spec("B07.FR.04"):
        for part in report.parts:
            number = part["requestId"]
            assert number == report.request_id, f"the report was asked for as {report.request_id}, and bears {number}"
    with spec("B07.FR.10"):
        wrong = gaps(report.numbers)
        assert not wrong, wrong
    return report


async def no_report(csms: CsmsPeer, asked: BaseReport, *, after: int, watched: float) -> None:
    """Watch for a while that no report comes."""
    try:
        part = await csms.expect("NotifyReport", after=after, where=report_of(asked.request_id), within=watched)
    except NotSeen:
        return
    raise AssertionError(f"{asked.status} was answered, and a report came nevertheless: {part.entry.text[:120]}")


def tells_secret(variable: Variable) -> bool:
    """Whether a report gives the value of something that may only be written; an empty one gives nothing away."""
    return any(each.value for each in variable.attributes.values() if each.mutability == "WriteOnly")


def undescribed(requirement: str, model: DeviceModel) -> list[Fault]:
    """The entries of a report that do not say what they are."""
    return [Fault(requirement, text) for text in described(model)]
