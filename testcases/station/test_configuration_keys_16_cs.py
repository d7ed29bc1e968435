"""OCPP 1.6, 5.3 and chapter 9: configuration keys are changed, or refused."""

from conformance.cases.case import case
from conformance.cases.safe import Safe
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.configuration import Settings
from conformance.oracles.inventory import told
from conformance.peers.csms import CsmsPeer
from conformance.peers.ledger import SET, safety_of
from conformance.peers.received import Refused
from conformance.peers.settings import list_all, read_named
from conformance.peers.v16 import change_configuration
from conformance.sut.profile import SutProfile

INTERVAL = "MeterValueSampleInterval"
NO_SUCH_KEY = "Testing"
BELOW = "-1"
REFUSALS = ("Rejected", "PropertyConstraintViolation")
LENGTH = "MaxLength"
LONGEST = 500
SAMPLED = "MeterValuesSampledData"


@case(
    "TC_021_CS",
    "A key is changed, and reads as it was set",
    versions=["1.6"],
    requirements=["16.CHANGE.01", "16.CHANGE.02"],
    severity=Severity.BLOCKER,
)
async def test_change(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set the interval of meter values to one that it does not have, and read it."""
    key, values = profile.parameters.writable_key.key, profile.parameters.writable_key.values
    was = await value_of(csms, key)
    assert was is not None, f"{key} does not tell its value, so nobody could put it back"
    wanted = next((each for each in values if each != was), values[0])
    try:
        with spec.must("16.CHANGE.01"):
            status = await change(csms, key, wanted)
        with spec.must("16.CHANGE.02"):
            assert status == "Accepted", f"{key} = {wanted} was answered {status}, and Accepted is due"
            now = await value_of(csms, key)
            assert now == wanted, f"{key} was set to {wanted}, which was Accepted, and reads {now}"
    finally:
        await change(csms, key, was)


@case(
    "TC_040_1_CS",
    "A key that there is not can't be changed",
    versions=["1.6"],
    requirements=["16.CHANGE.05"],
    severity=Severity.NORMAL,
)
async def test_unknown(csms: CsmsPeer, spec: Spec) -> None:
    """Set it."""
    with spec("16.CHANGE.05"):
        status = await change(csms, NO_SUCH_KEY, "true")
        assert status == "NotSupported", f"{NO_SUCH_KEY} is no key, and setting it was answered {status}"


@case(
    "TC_040_2_CS",
    "An interval below nothing is refused, and the old one stays",
    versions=["1.6"],
    requirements=["16.CHANGE.07"],
    severity=Severity.NORMAL,
)
async def test_out_of_range(csms: CsmsPeer, spec: Spec) -> None:
    """Set the interval of meter values to less than nothing."""
    was = await value_of(csms, INTERVAL)
    try:
        with spec("16.CHANGE.07"):
            status = await tried_out(csms, INTERVAL, BELOW)
            assert status in REFUSALS, f"{INTERVAL} = {BELOW} was answered {status}"
            now = await value_of(csms, INTERVAL)
            assert now == was, f"{INTERVAL} was {was}, {BELOW} was answered {status}, and it reads {now}"
    finally:
        if was is not None and await value_of(csms, INTERVAL) != was:
            await change(csms, INTERVAL, was)


@case(
    "SETTINGS_LONG_LIST_CS",
    "A list that is longer than the charge point says it may be is not taken",
    versions=["1.6"],
    requirements=["16.CHANGE.10"],
    severity=Severity.MINOR,
)
async def test_long_list(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set each list that is safe to change and has a length to one item more than that."""
    listed, safety = await list_all(csms), safety_of(profile)
    tried, taken = 0, []
    for setting in listed:
        most = listed.number(f"{setting}{LENGTH}")
        value = one_too_many(listed, setting.items, most or 0)
        if most is None or not value or setting.value is None or not isinstance(safety.of(setting.key), Safe):
            continue
        tried += 1
        try:
            status = await tried_out(csms, setting.key, value)
        finally:
            if await value_of(csms, setting.key) != setting.value:
                await change(csms, setting.key, setting.value)
        if status in SET:
            taken.append(f"{setting} may have {most} items, and one with {most + 1} was {status}")
    if not tried:
        spec.excuse("16.CHANGE.10", "no list that is safe to change tells how long it may be")
        return
    with spec("16.CHANGE.10"):
        assert not taken, told(taken)


# -- steps ------------------------------------------------------------------------------------------------------------


async def value_of(csms: CsmsPeer, key: str) -> str | None:
    """What a key reads, None where it tells nothing."""
    _, answer = await read_named(csms, [key])
    return answer.value(key)


async def change(csms: CsmsPeer, key: str, value: str) -> str:
    """Set a key; the status that is answered. Raises Refused."""
    return str((await csms.call("ChangeConfiguration", change_configuration(key, value)))["status"])


async def tried_out(csms: CsmsPeer, key: str, value: str) -> str:
    """Set a key to what it may refuse; the status that is answered, or the code of the CALLERROR."""
    try:
        return await change(csms, key, value)
    except Refused as refused:
        return refused.code


def one_too_many(listed: Settings, items: tuple[str, ...], most: int) -> str:
    """A list of one item more than so many, of what the charge point can measure; empty where that is too long."""
    known = items or tuple(each for setting in listed if setting.key == SAMPLED for each in setting.items)
    value = ",".join((known * (most + 1))[: most + 1])
    return value if len(value) <= LONGEST else ""
