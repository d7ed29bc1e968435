"""Use case A01: the CSMS changes the password of the station, in 1.6 its AuthorizationKey."""

from contextlib import suppress

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.peers.csms import CsmsPeer
from conformance.peers.passwords import DONE, Rotation, rotation
from conformance.peers.received import NotSeen
from conformance.peers.security import StationSecurity
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.sut.secret import Secret
from conformance.wire.faults import Network
from conformance.wire.frames import Call
from conformance.wire.transcript import Transcript

LONGEST = {"2.0.1": 40, "1.6": 20}
SHORT = 15
"""As long as every station must take, by version, and one character less than any may take."""

BASIC = "security-profile-1 or security-profile-2"
NONE = "the profile has no password, so nobody knows what to put back"
TOO_LONG = "the password of the profile is longer than an AuthorizationKey may be, so it could not be put back"


@case(
    "TC_A_09_CS",
    "A new password is taken, and the station comes back with it",
    requirements=["A01.FR.01", "A01.FR.12", "PASSWORD.RETURN.01"],
    needs=BASIC,
    severity=Severity.BLOCKER,
)
@case(
    "TC_073_CS",
    "A new password is taken, and the charge point comes back with it",
    versions=["1.6"],
    requirements=["16S.A01.FR.01", "16S.A01.FR.12", "16S.AUTH.03"],
    needs=BASIC,
    severity=Severity.BLOCKER,
)
async def test_accepted(  # noqa: PLR0913 -- fixtures
    station: StationDriver,
    csms: CsmsPeer,
    network: Network,
    spec: Spec,
    profile: SutProfile,
    transcript: Transcript,
    security: StationSecurity,
) -> None:
    """Change it, and let the station in with the new one only; it need not tell, but must not tell the password."""
    own = changeable(spec, profile)
    if own is None:
        return
    await security.at(1, 2)
    other = own.successor(LONGEST[profile.version])
    async with rotation(
        station, csms, network, own=own, other=other, settle=profile.timing.settle, version=profile.version
    ) as passwords:
        mark, came = csms.now, passwords.came
        with spec.must("A01.FR.01"):
            status = await passwords.change(other)
            assert status in DONE, f"a password of {LONGEST[profile.version]} characters was answered {status}"
        if status == "RebootRequired":
            await passwords.restart()
            spec.excuse("PASSWORD.RETURN.01", "the station wants to be restarted first")
        else:
            passwords.admit(other)
            with spec("PASSWORD.RETURN.01"):
                await comes_back_by_itself(passwords, came, within=profile.timing.reconnect)
            await passwords.drop() if passwords.came == came else None
        with spec.must("A01.FR.01"):
            await comes_with(passwords, other, came, within=profile.timing.reconnect)
            await csms.speak.question()

        def telling_messages() -> list[str]:
            return telling(transcript, mark, own, other)

        with suppress(NotSeen):  # it need not tell of the change at all
            await csms.until(lambda: bool(telling_messages()), "what tells a password", within=profile.timing.settle)
        with spec("A01.FR.12"):
            told = telling_messages()
            assert not told, f"a password is in {' and in '.join(told)}"


@case(
    "TC_A_10_CS",
    "A password that is too short is refused, and the station keeps the one it has",
    requirements=["A00.FR.205", "A01.FR.01"],
    needs=BASIC,
    severity=Severity.CRITICAL,
)
@case(
    "KEY_TOO_SHORT_CS",
    "A password that is too short is refused, and the charge point keeps the one it has",
    versions=["1.6"],
    requirements=["16S.A01.FR.01", "16S.AUTH.04"],
    needs=BASIC,
    severity=Severity.CRITICAL,
)
async def test_rejected(  # noqa: PLR0913 -- fixtures
    station: StationDriver,
    csms: CsmsPeer,
    network: Network,
    spec: Spec,
    profile: SutProfile,
    security: StationSecurity,
) -> None:
    """Try one, and restart the station."""
    own = changeable(spec, profile)
    if own is None:
        return
    await security.at(1, 2)
    short = own.successor(SHORT)
    async with rotation(
        station, csms, network, own=own, other=short, settle=profile.timing.settle, version=profile.version
    ) as passwords:
        with spec("A00.FR.205"):
            status = await passwords.change(short)
            assert status == "Rejected", f"a password of {SHORT} characters was answered {status}"
        came = passwords.came
        await passwords.restart()
        with spec("A01.FR.01"):
            await comes_with(passwords, own, came, within=profile.timing.boot)


@case(
    "PASSWORD_KEPT_CS",
    "A new password is still the one after a restart",
    requirements=["A01.FR.01"],
    needs=BASIC,
    severity=Severity.CRITICAL,
)
@case(
    "KEY_KEPT_CS",
    "A new password is still the one after a restart",
    versions=["1.6"],
    requirements=["16S.A01.FR.01"],
    needs=BASIC,
    severity=Severity.CRITICAL,
)
async def test_kept(  # noqa: PLR0913 -- fixtures
    station: StationDriver,
    csms: CsmsPeer,
    network: Network,
    spec: Spec,
    profile: SutProfile,
    security: StationSecurity,
) -> None:
    """Change it, have the station come back, and restart it."""
    own = changeable(spec, profile)
    if own is None:
        return
    await security.at(1, 2)
    other = own.successor(LONGEST[profile.version])
    async with rotation(
        station, csms, network, own=own, other=other, settle=profile.timing.settle, version=profile.version
    ) as passwords:
        came = passwords.came
        status = await passwords.change(other)
        assert status in DONE, f"a new password was answered {status}"
        if status == "Accepted" and not await passwords.returned(came, within=profile.timing.settle):
            await passwords.drop()
            assert await passwords.returned(came, within=profile.timing.reconnect), "the station did not come back"
        came = passwords.came
        passwords.admit(other)
        await passwords.restart()
        with spec("A01.FR.01"):
            await comes_with(passwords, other, came, within=profile.timing.boot)


# -- steps ------------------------------------------------------------------------------------------------------------


def changeable(spec: Spec, profile: SutProfile) -> Secret | None:
    """The password of the station; None, and nothing proven, where nobody knows it or it could not be put back."""
    own = profile.password()
    why = NONE if own is None else ""
    if own is not None and profile.version == "1.6" and len(own.reveal().encode()) > LONGEST["1.6"]:
        own, why = None, TOO_LONG
    for requirement in spec.case.requirements if why else ():
        spec.unproven(requirement, why)
    return own


async def comes_back_by_itself(passwords: Rotation, after: int, *, within: float) -> None:
    """See that the station ends its connection and dials again."""
    await passwords.returned(after, within=within)
    assert passwords.came > after, f"the station has not dialled again {within:g} s after its password was changed"


async def comes_with(passwords: Rotation, password: Secret, after: int, *, within: float) -> None:
    """See that the station is let in after so many attempts, with this password."""
    back = await passwords.returned(after, within=within)
    assert passwords.came > after, f"the station did not dial again within {within:g} s"
    assert passwords.came_with(password, after), "the station came with another password than the one it has to have"
    assert back, "the station came, and has gone again"


def telling(transcript: Transcript, first: int, *secrets: Secret) -> list[str]:
    """The actions of what the station sent by itself from an entry on, if it tells a secret."""
    return [
        entry.frame.action
        for entry in transcript.entries[first:]
        if entry.sender == "sut"
        and isinstance(entry.frame, Call)
        and any(way in entry.frame.raw.casefold() for each in secrets for way in written(each))
    ]


def written(secret: Secret) -> tuple[str, str]:
    """How a secret may be written where it is told: as it is, or in hexadecimal; without regard to case."""
    return secret.reveal().casefold(), secret.reveal().encode().hex()
