"""What a CSMS that can be reached by anybody has to bear: rubbish, dawdling, absurd sizes and floods."""

from contextlib import AsyncExitStack

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms_boot import AnotherStation, served
from conformance.peers.security import CsmsSecurity
from conformance.peers.station import StationPeer
from conformance.peers.visits import place, talking, visitor, welcomed
from conformance.sut.profile import SutProfile
from conformance.wire.hello import hello
from conformance.wire.strain import answer_to, bears_frame, fail, flooding, held

BOTH = ("2.0.1", "1.6")
LONG = "x" * (1 << 20)
"""More than any line of a request needs."""
ANNOUNCED, SENT = 1 << 30, 32 << 20
"""How long a frame says that it is, and how much of it is sent, in bytes: no message needs a hundredth of it."""


def _guests(
    another_station: AnotherStation, security: CsmsSecurity, profile: SutProfile
) -> list[tuple[int, StationPeer]]:
    """The station at each door that the CSMS is known to have: in the usual security profile, and in the others."""
    known = sorted({security.profile, *(each for each in security.urls if profile.claims(f"security-profile-{each}"))})
    return [(each, visitor(another_station, profile, each)) for each in known]


@case(
    "BAD_HANDSHAKES_CSMS",
    "After a great many handshakes that fail, whoever belongs is let in",
    versions=BOTH,
    requirements=["CSMS.HARD.01"],
    severity=Severity.NORMAL,
)
async def test_bad_handshakes(
    station: StationPeer, security: CsmsSecurity, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """At every door: rubbish, plain HTTP, half a hello, an old one, nothing at all, and certificates nobody trusts."""
    guests = _guests(another_station, security, profile)
    for level, guest in guests:
        done = await fail(place(guest), profile.parameters.bad_handshakes // len(guests))
        told = ", ".join(f"{number} of {kind}" for kind, number in done.items())
        station.transcript.note(f"handshakes that fail, at the door of security profile {level}: {told}")
    with spec("CSMS.HARD.01"):
        await served(station)
    await station.disconnect()
    for level, guest in guests:
        with spec("CSMS.HARD.01"):
            came = await welcomed(guest, profile)
            assert came.let_in, (
                f"after {profile.parameters.bad_handshakes} handshakes that failed, a good station in security profile "
                f"{level}: {came.words}"
            )


@case(
    "UNFINISHED_CONNECTIONS_CSMS",
    "Connections that are begun and never finished keep nobody out",
    versions=BOTH,
    requirements=["CSMS.HARD.02"],
    severity=Severity.NORMAL,
)
async def test_unfinished_connections(
    station: StationPeer, security: CsmsSecurity, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """At every door at once: some say nothing, some half of what they should, some half after TLS is agreed."""
    guests = _guests(another_station, security, profile)
    many = max(1, profile.parameters.held_connections // (3 * len(guests)))
    async with AsyncExitStack() as stack:
        for _, guest in guests:
            there = place(guest)
            request = there.request()
            begun = request if guest.tls is None else hello()
            await stack.enter_async_context(held(there, many))
            await stack.enter_async_context(held(there, many, begun[: len(begun) // 2]))
            await stack.enter_async_context(held(there, many, request[:-2], plainly=False))
        with spec("CSMS.HARD.02"):
            await served(station)
        await station.disconnect()
        for level, guest in guests:
            with spec("CSMS.HARD.02"):
                came = await welcomed(guest, profile)
                assert came.let_in, (
                    f"with {3 * many * len(guests)} connections begun and not finished, a good station in security "
                    f"profile {level}: {came.words}"
                )


@case(
    "ABSURD_SIZES_CSMS",
    "A request or a frame of absurd size is refused, and nobody feels it",
    versions=BOTH,
    requirements=["CSMS.HARD.03"],
    severity=Severity.NORMAL,
)
async def test_absurd_sizes(
    station: StationPeer, security: CsmsSecurity, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """A first line and a header of a megabyte, ten thousand headers, and a frame of a gigabyte."""
    await station.disconnect()
    guest = visitor(another_station, profile, security.profile)
    there = place(guest)
    for what, request in (
        ("a first line of 1 MiB", there.request(query=LONG)),
        ("a header of 1 MiB", there.request(headers=(("X-Padding", LONG),))),
        ("10,000 headers", there.request(headers=tuple((f"X-Padding-{n}", "x") for n in range(10_000)))),
    ):
        with spec("CSMS.HARD.03"):
            with talking(there):
                try:
                    answer = await answer_to(there, request, within=profile.timing.answer)
                except TimeoutError:
                    raise AssertionError(f"to a request with {what} the CSMS said nothing") from None
            assert " 101" not in answer, f"the CSMS opened a connection on a request with {what}"
    with spec("CSMS.HARD.03"):
        with talking(there):
            bears = await bears_frame(there, ANNOUNCED, SENT, within=profile.timing.answer)
        assert not bears, f"the CSMS went on listening after {SENT >> 20} MiB of a frame of {ANNOUNCED >> 20} MiB"
    with spec("CSMS.HARD.03"):
        came = await welcomed(guest, profile)
        assert came.let_in, f"after requests and a frame of absurd size, a good station: {came.words}"


@case(
    "FLOOD_CSMS",
    "While one station floods the CSMS with messages, another is served",
    versions=BOTH,
    requirements=["CSMS.HARD.04"],
    severity=Severity.NORMAL,
)
async def test_flood(
    station: StationPeer, security: CsmsSecurity, another_station: AnotherStation, spec: Spec, profile: SutProfile
) -> None:
    """One sends heartbeats and waits for no answer; the other comes, boots, and tells what state it is in."""
    assert profile.parameters.second_identity, "the profile names no second_identity, which the CSMS knows too"
    flooder = place(station)
    await station.disconnect()
    neighbour = visitor(another_station, profile, security.profile, profile.parameters.second_identity)
    calls = [f'[2,"flood-{number}","Heartbeat",{{}}]' for number in range(profile.parameters.flood)]
    async with AsyncExitStack() as stack:
        with talking(flooder):
            await stack.enter_async_context(flooding(flooder, calls, within=profile.timing.answer))
        with spec("CSMS.HARD.04"):
            await neighbour.bring_up()
            await served(neighbour)
