"""What a buyer looks at first in a charge point of OCPP 1.6: it is the one of its profile, with these connectors."""

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.configuration import against_claims, connectors
from conformance.oracles.inventory import note
from conformance.peers.csms import CsmsPeer
from conformance.peers.received import Received
from conformance.peers.scenes import reboot, settled_statuses
from conformance.peers.settings import claimed, list_all
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.sut.tables import Product


@case(
    "CHARGE_POINT_AS_CLAIMED_CS",
    "The charge point is the one of its profile, with these connectors and no others",
    versions=["1.6"],
    requirements=[
        *("16.CLAIM.IDENTITY.01", "16.CLAIM.IDENTITY.02", "16.CLAIM.IDENTITY.03"),
        *("16.CLAIM.CONNECTOR.01", "16.CLAIM.STATUS.01"),
    ],
    severity=Severity.BLOCKER,
)
async def test_as_claimed(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Take its last boot, or bring one about: what it says of itself, of its connectors, and of how many it has."""
    boot = await last_boot(station, csms)
    with spec("16.CLAIM.STATUS.01"):
        await settled_statuses(csms, profile.connectors, after=boot, settle=profile.timing.settle)
    judge_identity(spec, boot, profile.sut)
    note(spec, "16.CLAIM.CONNECTOR.01", list(against_claims(await list_all(csms), claimed(profile))))
    with spec("16.CLAIM.STATUS.01"):
        surplus = sorted(each for each in reported(csms) if each > len(profile.connectors))
        told = ", ".join(map(str, surplus))
        assert not surplus, f"{len(profile.connectors)} connectors are claimed, and a status came of connector {told}"


@case(
    "PROFILES_AS_CLAIMED_CS",
    "The charge point names the feature profiles that are claimed, and no others",
    versions=["1.6"],
    requirements=["16.CLAIM.FEATURE.01", "16.CLAIM.FEATURE.02"],
    severity=Severity.NORMAL,
)
async def test_profiles(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Compare SupportedFeatureProfiles with the profile of the system under test."""
    faults = list(against_claims(await list_all(csms), claimed(profile)))
    for requirement in spec.case.requirements:
        note(spec, requirement, faults)


@case(
    "CONNECTORS_COUNTED_CS",
    "The charge point has as many connectors as it says, numbered from 1",
    versions=["1.6"],
    requirements=["16.CONFIG.17", "16.STATUS.17"],
    severity=Severity.NORMAL,
)
async def test_counted(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Compare NumberOfConnectors with the connectors that it has ever reported."""
    listed = await list_all(csms)
    boot = await last_boot(station, csms)
    await settled_statuses(csms, profile.connectors[:1], after=boot, settle=profile.timing.settle)
    csms.touch(*csms.seen("StatusNotification", after=boot))
    faults = list(connectors(listed, reported(csms)))
    for requirement in spec.case.requirements:
        if listed.number("NumberOfConnectors") is None:
            spec.excuse(requirement, "there is no NumberOfConnectors, which is a fault of its own")
        else:
            note(spec, requirement, faults)


# -- steps ------------------------------------------------------------------------------------------------------------


async def last_boot(station: StationDriver, csms: CsmsPeer) -> Received:
    """The last BootNotification of the session; of a station that was running before it came here, one to order."""
    boots = csms.seen("BootNotification", after=0)
    return boots[-1] if boots else (await reboot(station, csms)).notification


def reported(csms: CsmsPeer) -> set[int]:
    """The numbers of the connectors of which a status ever came in this session, the charge point apart."""
    numbers = (message.get("connectorId") for message in csms.seen("StatusNotification", after=0))
    return {each for each in numbers if isinstance(each, int) and each > 0}


def judge_identity(spec: Spec, boot: Received, product: Product) -> None:
    """Compare what the profile states of the product with what the charge point said at its boot.

    What is too long for the fields of OCPP 1.6 may have been cut off there. Either serial number will do.
    """
    serial = "chargePointSerialNumber" if "chargePointSerialNumber" in boot else "chargeBoxSerialNumber"
    for requirement, pairs in (
        ("16.CLAIM.IDENTITY.01", {"chargePointVendor": (product.vendor, 20), "chargePointModel": (product.model, 20)}),
        ("16.CLAIM.IDENTITY.02", {serial: (product.serial, 25)}),
        ("16.CLAIM.IDENTITY.03", {"firmwareVersion": (product.firmware, 50)}),
    ):
        stated = {field: value[:room] for field, (value, room) in pairs.items() if value is not None}
        if not stated:
            spec.excuse(requirement, f"the profile states no {' and no '.join(pairs)}")
            continue
        with spec(requirement):
            for field, value in stated.items():
                says = boot.get(field)
                assert says == value, f"{field} at the boot is {says!r}, and the profile says {value!r}"
