"""Blocks C and E: what a CSMS says of a token, when it is asked, and when a transaction starts with it."""

from collections.abc import Sequence

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms_scenes import blocked_token, expired_token, judged, valid_token
from conformance.peers.equipment import Evse
from conformance.peers.station import StationPeer
from conformance.peers.tellings import recorded, refusals, tell, token_group
from conformance.sut.drivers import CsmsDriver
from conformance.sut.profile import SutProfile
from conformance.sut.tables import IdToken

# -- asked ------------------------------------------------------------------------------------------------------------


@case(
    "TC_C_02_CSMS",
    "Asked about a token that it does not know, the CSMS says so",
    requirements=["C01.FR.07"],
    severity=Severity.BLOCKER,
)
@case(
    "TC_023_1_CSMS",
    "Asked about a token that it does not know, the central system calls it invalid",
    versions=["1.6"],
    requirements=["16.TX.03"],
    severity=Severity.BLOCKER,
)
async def test_unknown(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """The driver is not let in."""
    token = profile.parameters.invalid_id_token
    async with judged(station, spec, profile, expected={token.id_token: refusals(station)["unknown"]}):
        await station.authorize(token.payload)


@case(
    "TC_C_07_CSMS",
    "Asked about a token that has expired, the CSMS does not accept it",
    requirements=["C01.FR.07"],
    severity=Severity.CRITICAL,
    needs="expired-tokens",
)
@case(
    "TC_023_2_CSMS",
    "Asked about a token that has expired, the central system says so",
    versions=["1.6"],
    requirements=["16.TX.03"],
    severity=Severity.CRITICAL,
    needs="expired-tokens",
)
async def test_expired(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """In 2.0.1 it may keep to itself why."""
    token = await expired_token(csms, profile)
    async with judged(station, spec, profile, expected={token.id_token: refusals(station)["expired"]}):
        await station.authorize(token.payload)


@case(
    "TC_C_06_CSMS",
    "Asked about a token that is blocked, the CSMS does not accept it",
    requirements=["C01.FR.07"],
    severity=Severity.CRITICAL,
    needs="blocked-tokens",
)
@case(
    "TC_023_3_CSMS",
    "Asked about a token that is blocked, the central system says so",
    versions=["1.6"],
    requirements=["16.TX.03"],
    severity=Severity.CRITICAL,
    needs="blocked-tokens",
)
async def test_blocked(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """In 2.0.1 it may keep to itself why."""
    token = await blocked_token(csms, profile)
    async with judged(station, spec, profile, expected={token.id_token: refusals(station)["blocked"]}):
        await station.authorize(token.payload)


# -- met in a transaction ---------------------------------------------------------------------------------------------


@case(
    "BLOCKED_TOKEN_CHARGES_CSMS",
    "A transaction starts with a token that is blocked: the CSMS does not accept it",
    versions=["2.0.1", "1.6"],
    requirements=["E01.FR.12"],
    severity=Severity.CRITICAL,
    needs="blocked-tokens",
)
async def test_blocked_charges(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The station has let the driver in by what it knew from before."""
    token = await blocked_token(csms, profile)
    await starts_with(station, spec, profile, token, refusals(station)["blocked"])


@case(
    "EXPIRED_TOKEN_CHARGES_CSMS",
    "A transaction starts with a token that has expired: the CSMS does not accept it",
    versions=["2.0.1", "1.6"],
    requirements=["E01.FR.12"],
    severity=Severity.CRITICAL,
    needs="expired-tokens",
)
async def test_expired_charges(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """The station has let the driver in by what it knew from before."""
    token = await expired_token(csms, profile)
    await starts_with(station, spec, profile, token, refusals(station)["expired"])


# -- groups -----------------------------------------------------------------------------------------------------------


@case(
    "TOKEN_GROUP_CSMS",
    "The CSMS names the group of a token, when it is asked, and when a transaction starts and stops with it",
    requirements=["C09.FR.09", "E01.FR.12"],
    severity=Severity.NORMAL,
    needs="grouped-tokens",
)
@case(
    "TOKEN_PARENT_CSMS",
    "The central system names the parent of a token, when it is asked",
    versions=["1.6"],
    requirements=["16.TX.84"],
    severity=Severity.NORMAL,
    needs="grouped-tokens",
)
async def test_group(station: StationPeer, spec: Spec, profile: SutProfile) -> None:
    """By this a station knows who may stop whose transaction."""
    token = profile.parameters.grouped_id_token
    if token is None:
        for each in ("C09.FR.09", "E01.FR.12"):
            if spec.declares(each):
                spec.unproven(each, "the profile names no grouped_id_token, which the CSMS knows as one of a group")
        return
    mark = station.now
    await station.authorize(token.payload)
    asked = await station.told("Authorize", after=mark, within=0)
    with spec("C09.FR.09"):
        assert token_group(asked) == token.group, f"the group of {token.id_token} is told as {token_group(asked)}"
    if not spec.declares("E01.FR.12"):
        return
    record = recorded(station, station.equipment.evses[0], token.payload)
    told = [await tell(station, record, record.start()), await tell(station, record, record.end())]
    with spec("E01.FR.12"):
        groups = [token_group(answer) for answer in told]
        assert groups == [token.group] * 2, f"at start and end the group of {token.id_token} is told as {groups}"


# -- several at once --------------------------------------------------------------------------------------------------


@case(
    "TWO_EVSES_CSMS",
    "Transactions of two drivers go on side by side, and the CSMS does not mix them up",
    versions=["2.0.1", "1.6"],
    requirements=["E01.FR.12", "CSMS.STOP.01"],
    severity=Severity.CRITICAL,
)
async def test_two_evses(station: StationPeer, csms: CsmsDriver, spec: Spec, profile: SutProfile) -> None:
    """One may charge, the other one is not known; what is told of both comes in turns."""
    evses = station.equipment.evses[:2]
    if len(evses) < len("ab"):
        for each in ("E01.FR.12", "CSMS.STOP.01"):
            spec.excuse(each, "the profile gives the station of the harness one EVSE only")
        return
    valid, unknown = await valid_token(csms, profile), profile.parameters.invalid_id_token
    async with judged(station, spec, profile, expected={unknown.id_token: refusals(station)["unknown"]}):
        await interleaved(station, evses, (valid, unknown.payload))


# -- steps ------------------------------------------------------------------------------------------------------------


async def starts_with(
    station: StationPeer, spec: Spec, profile: SutProfile, token: IdToken, allowed: frozenset[str]
) -> None:
    """Start a transaction with a token that was never asked about, and end it again."""
    record = recorded(station, station.equipment.evses[0], token.payload)
    async with judged(station, spec, profile, expected={token.id_token: allowed}):
        await tell(station, record, record.start())
    await tell(station, record, record.end("DeAuthorized"))


async def interleaved(station: StationPeer, evses: Sequence[Evse], tokens: Sequence[dict[str, str]]) -> None:
    """Tell of a transaction on each EVSE, one message of each in turn; the one that started first ends last."""
    records = [recorded(station, evse, token) for evse, token in zip(evses, tokens, strict=True)]
    for record in records:
        await tell(station, record, record.start())
    for _ in range(3):
        for record in records:
            await tell(station, record, record.update())
    for record in reversed(records):
        await tell(station, record, record.end())
