"""TLS from the station's end: which CSMS it believes, which it refuses and how, and what it shows of itself (A00)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity, Verdict
from conformance.cases.zoo import Reception, Refuses, Shown
from conformance.oracles import tls as rules
from conformance.peers.certificate_scenes import ROOT, offered, removed_after
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_dialect import SecurityEvent
from conformance.peers.handshakes import Attempt, Guardian, guarded, refusal
from conformance.peers.received import NotSeen
from conformance.peers.security import Door, StationSecurity
from conformance.sut.drivers import DriverFailed, StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.tls import SUITES, ServerTls, able

BOTH = ("2.0.1", "1.6")
WITH_TLS = "security-profile-2 or security-profile-3"
WITH_CERTIFICATE = "security-profile-3"

ALWAYS = ("expired", "unknown-root", "wrong-host", "self-signed")
"""The certificates that every station is shown; those that try again soon are shown the others as well."""
NAMED = ("wrong-host", "another-station")
"""Those whose common name is what is wrong with them."""
USES = ("wrong-usage",)

OLD = ("AES128-SHA", "AES256-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA")
"""Suites that TLS has had since 1.0."""
NOT_ENCRYPTED = ("NULL-SHA256", "NULL-SHA", "ECDHE-RSA-NULL-SHA", "ECDHE-ECDSA-NULL-SHA")
"""Suites that encrypt nothing."""


@case(
    "TC_A_04_CS",
    "A CSMS with a good certificate is let in, with each suite that the station has to have",
    requirements=["A00.FR.312", "A00.FR.319", "A00.FR.321", "TLS.SECRECY.01"],
    needs=WITH_TLS,
    severity=Severity.BLOCKER,
)
@case(
    "TC_086_CS",
    "A Central System with a good certificate is let in, with each suite that the Charge Point has to have",
    versions=["1.6"],
    requirements=["A00.FR.312", "A00.FR.319", "A00.FR.321", "TLS.SECRECY.01"],
    needs=WITH_TLS,
    severity=Severity.BLOCKER,
)
async def test_good_server(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Hang up, and see how it comes back: from its hello, and by having each suite of a pair alone."""
    door = await security.at(2, 3)
    async with guarded(station, csms, door, profile) as guardian:
        mark, good = csms.now, shown_at(door)
        tries = await guardian.welcomed(good)
        with spec("A00.FR.312"):
            less = guardian.lesser(after=mark)
            assert not less, less
        assert tries, "the station came back without a handshake that could be seen"
        hellos = [each.tls.detail["offered"] for each in tries]
        with spec("A00.FR.321"):
            for each in hellos:
                assert rules.compression_problem(each) is None, rules.compression_problem(each)
        offered = hellos[-1]
        with spec("TLS.SECRECY.01"):
            assert has(offered, rules.ECDSA_SUITES), f"{' and '.join(rules.ECDSA_SUITES)} are not both offered"
        with spec("A00.FR.319"):
            assert rules.suites_problem(offered) is None, rules.suites_problem(offered)
            pairs = [pair for pair in (rules.ECDSA_SUITES, rules.RSA_SUITES) if has(offered, pair)]
            for suite, name in zip(SUITES, rules.CSMS_SUITES, strict=True):
                if name in pairs[0]:
                    only = replace(good, newest="1.2", suites=(suite,))
                    await comes_back(station, guardian, only, f"{name} is offered, and with it alone the station")
                    spec.shown.append(Shown(name, Reception.ACCEPTED, refuses="must not"))


@case(
    "TC_A_05_CS",
    "A CSMS with a bad certificate is refused before anything is said to it, and the good one is told of that",
    requirements=[
        "A00.FR.308",
        "A00.FR.309",
        "TLS.WILDCARD.01",
        "A00.FR.310",
        "A00.FR.311",
        "TLS.EARLY.01",
        "TLS.FALLBACK.01",
    ],
    needs=WITH_TLS,
    severity=Severity.BLOCKER,
)
@case(
    "TLS_BAD_CERTIFICATES_CS",
    "A Central System with a bad certificate is refused before anything is said to it, and a good one told of that",
    versions=["1.6"],
    requirements=["A00.FR.308", "A00.FR.309", "A00.FR.310", "A00.FR.311", "TLS.EARLY.01", "TLS.FALLBACK.01"],
    needs=WITH_TLS,
    severity=Severity.BLOCKER,
)
async def test_bad_certificates(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Hang up and show a certificate that is wrong in one way, then the good one; and so on.

    How it refuses is its own affair: with any alert, with none, or after TLS was agreed, as long as it says nothing.
    """
    door = await security.at(2, 3)
    zoo = security.pki.server_zoo
    async with guarded(station, csms, door, profile) as guardian:
        must = [name for name in zoo if zoo.member(name).refuses == "must"]
        trial = Trial(station, csms, spec, guardian, profile)
        for name in (*ALWAYS, *(each for each in must if guardian.quick and each not in ALWAYS)):
            rule = "A00.FR.309" if name in NAMED else "TLS.WILDCARD.01" if name == "wildcard" else "A00.FR.308"
            if spec.declares(rule):
                told = Told(name, zoo.member(name).wrong)
                shown = replace(shown_at(door), chains=zoo[name])
                await trial.refuses(told, shown, rule, "InvalidCsmsCertificate", "A00.FR.310")
        trial.leave_none_open("A00.FR.310", "A00.FR.311", "TLS.EARLY.01", "TLS.FALLBACK.01")


@case(
    "TLS_DOUBTFUL_CERTIFICATES_CS",
    "A certificate that is weak, or made for something else, is better refused; others may be taken or not",
    versions=BOTH,
    requirements=["TLS.KEY.01", "TLS.USAGE.01"],
    needs=WITH_TLS,
)
async def test_doubtful_certificates(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Show them, and note for the report what became of those that the documents leave open."""
    door = await security.at(2, 3)
    zoo = security.pki.server_zoo
    async with guarded(station, csms, door, profile) as guardian:
        trial = Trial(station, csms, spec, guardian, profile)
        for name in (each for each in zoo if zoo.member(each).refuses != "must"):
            member = zoo.member(name)
            open_ = member.refuses == "may"
            if open_ and not guardian.quick:
                continue
            rule = None if open_ else "TLS.USAGE.01" if name in USES else "TLS.KEY.01"
            told = Told(name, member.wrong, member.refuses)
            await trial.refuses(told, replace(shown_at(door), chains=zoo[name]), rule)
        trial.leave_none_open("TLS.KEY.01", "TLS.USAGE.01")


@case(
    "TC_A_06_CS",
    "A CSMS that has nothing newer than TLS 1.1 is refused",
    requirements=["A00.FR.313", "A00.FR.316", "TLS.FALLBACK.01"],
    needs=WITH_TLS,
    severity=Severity.BLOCKER,
)
@case(
    "TLS_OLD_VERSIONS_CS",
    "A Central System that has nothing newer than TLS 1.1 is refused",
    versions=["1.6"],
    requirements=["A00.FR.313", "A00.FR.316", "TLS.FALLBACK.01"],
    needs=WITH_TLS,
    severity=Severity.BLOCKER,
)
async def test_old_versions(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Hang up, and have nothing newer for its next attempt; then answer its hello in an old version all the same."""
    door = await security.at(2, 3)
    async with guarded(station, csms, door, profile) as guardian:
        trial = Trial(station, csms, spec, guardian, profile)
        old = replace(shown_at(door), oldest="1.0", newest="1.1", suites=OLD)
        told = Told("TLS 1.1", "the CSMS has TLS 1.0 and 1.1 only")
        await trial.refuses(told, old, "A00.FR.313", "InvalidTLSVersion", "A00.FR.316")
        told = Told("TLS 1.1 in spite of all", "the CSMS answers in TLS 1.1 whatever it is offered")
        insisting = replace(shown_at(door), by_hand="1.1")
        await trial.refuses(told, insisting, "A00.FR.313", "InvalidTLSVersion", "A00.FR.316")
        trial.leave_none_open("A00.FR.313", "A00.FR.316", "TLS.FALLBACK.01")


@case(
    "TLS_BROKEN_SUITES_CS",
    "A CSMS that has only suites which encrypt nothing is refused",
    versions=BOTH,
    requirements=["A00.FR.320", "A00.FR.323", "TLS.FALLBACK.01"],
    needs=WITH_TLS,
    severity=Severity.CRITICAL,
)
async def test_broken_suites(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Hang up, and have no other suites for its next attempt."""
    door = await security.at(2, 3)
    async with guarded(station, csms, door, profile) as guardian:
        trial = Trial(station, csms, spec, guardian, profile)
        broken = replace(shown_at(door), newest="1.2", suites=NOT_ENCRYPTED)
        told = Told("NULL suites", "the CSMS has only suites that encrypt nothing")
        await trial.refuses(told, broken, "A00.FR.320", "InvalidTLSCipherSuite", "A00.FR.323")
        trial.leave_none_open("A00.FR.320", "A00.FR.323", "TLS.FALLBACK.01")


@case(
    "TC_A_07_CS",
    "The station shows a certificate of its own that is as certificates have to be",
    requirements=["A00.FR.401", "A00.FR.502", "A00.FR.503", "A00.FR.508", "A00.FR.509", "A00.FR.511"],
    needs=WITH_CERTIFICATE,
    severity=Severity.BLOCKER,
)
@case(
    "TC_087_CS",
    "The Charge Point shows a certificate of its own that is as certificates have to be",
    versions=["1.6"],
    requirements=["A00.FR.401", "A00.FR.502", "A00.FR.503", "A00.FR.508", "A00.FR.509", "A00.FR.511"],
    needs=WITH_CERTIFICATE,
    severity=Severity.BLOCKER,
)
async def test_client_certificate(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Hang up, and look at what it shows in each attempt to come back."""
    door = await security.at(3)
    async with guarded(station, csms, door, profile) as guardian:
        tries = await guardian.welcomed(shown_at(door))
        shown = [each.tls.detail["chain"][0] for each in tries if each.tls.detail["chain"]]
        with spec.must("A00.FR.401"):
            for each in tries:
                asked = each.tls.detail["version"] is not None and not each.tls.detail["resumed"]
                assert each.tls.detail["chain"] or not asked, "the station was asked for a certificate and showed none"
            assert shown, "the station has shown no certificate"
        for requirement, kinds in (("A00.FR.502", ("RSA", "DSA")), ("A00.FR.503", ("EC", "Ed25519", "Ed448"))):
            of_kind = [each for each in shown if str(each.get("key", "")).partition(" ")[0] in kinds]
            if not of_kind:
                spec.excuse(requirement, f"the station has shown no certificate with a key of {' or '.join(kinds)}")
            with spec(requirement):
                for each in of_kind:
                    assert rules.key_problem(each) is None, rules.key_problem(each)
        serial = serial_number(csms)
        with spec("A00.FR.508"):
            for each in shown:
                assert rules.serial_problem(each) is None, rules.serial_problem(each)
        with spec("A00.FR.509"):
            for each in shown:
                assert rules.organization_problem(each) is None, rules.organization_problem(each)
        with spec("A00.FR.511"):
            for each in shown:
                problem = rules.station_name_problem(each, serial)
                assert problem is None, problem


@case(
    "STATION_CERTIFICATE_ADVICE_CS",
    "What the station shows of itself is limited to its use, and named in one way",
    versions=BOTH,
    requirements=["A00.FR.512", "A00.FR.514", "TLS.NAMES.01"],
    needs=WITH_CERTIFICATE,
    severity=Severity.MINOR,
)
async def test_client_certificate_advice(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Hang up, and look at what it shows in each attempt to come back."""
    door = await security.at(3)
    async with guarded(station, csms, door, profile) as guardian:
        tries = await guardian.welcomed(shown_at(door))
    shown = [each.tls.detail["chain"][0] for each in tries if each.tls.detail["chain"]]
    assert shown, "the station has shown no certificate"
    with spec("A00.FR.512"):
        assert all(each.get("key_usage") for each in shown), "the certificate has no Key Usage"
    with spec("A00.FR.514"):
        extended = [name for each in shown for name in each.get("extended_key_usage") or ()]
        assert not extended, f"the certificate has an Extended Key Usage: {', '.join(extended)}"
    with spec("TLS.NAMES.01"):
        names = [name for each in shown for name in each.get("names") or ()]
        assert not names, f"the certificate has alternative names: {', '.join(names)}"


@case(
    "TLS_EVENT_KEPT_CS",
    "That a CSMS was refused is told although the station lost its power before it could",
    requirements=["A04.FR.02"],
    needs=WITH_TLS,
    severity=Severity.CRITICAL,
)
async def test_event_kept(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Show it a bad certificate, and switch it off and on before it tries again."""
    door = await security.at(2, 3)
    guardian = Guardian(station, csms, door, profile, quick=False)
    name = csms.speak.security_event("InvalidCsmsCertificate")
    mark = csms.now
    attempt = await guardian.shown(
        replace(shown_at(door), chains=security.pki.server_zoo["expired"]), then=station.power_cycle
    )
    assert attempt is not None, "the station made no attempt to connect"
    assert refusal(attempt), "the station does not refuse a certificate whose time is over"
    booted = await csms.expect("BootNotification", after=mark, within=profile.timing.boot)
    with spec("A04.FR.02"):
        assert await guardian.told(name, after=mark), f"the station has started again, and has not told of {name}"
    if any(said["type"] == name for said in csms.seen("SecurityEventNotification", after=mark, before=booted)):
        spec.unproven("A04.FR.02", "the station was back before it could be switched off")


@case(
    "TLS_BACK_OFF_CS",
    "A station that refuses its CSMS tries again without haste",
    requirements=["J.RECONNECT.04"],
    needs=WITH_TLS,
)
@case(
    "TLS_BACK_OFF_16_CS",
    "A Charge Point that refuses its Central System tries again without haste",
    versions=["1.6"],
    requirements=["16J.RECONNECT.03"],
    needs=WITH_TLS,
)
async def test_back_off(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Show it a bad certificate, and see when it tries again."""
    door = await security.at(2, 3)
    bad = replace(shown_at(door), chains=security.pki.server_zoo["expired"])
    async with guarded(station, csms, door, profile, wait="1") as guardian:
        mark = csms.now
        await guardian.shown(bad)
        tries = guardian.attempts(after=mark)[:2]
        assert len(tries) > 1, "the station was back with a single attempt"
        seconds = tries[1].tls.at - tries[0].tls.at
        tolerance = profile.timing.tolerance
        if spec.declares("J.RECONNECT.04"):
            least = 2 * await guardian.shortest_wait() - tolerance
            with spec("J.RECONNECT.04"):
                assert seconds >= least, f"it tried again after {seconds:.1f} s, and has to wait for {least:.1f} s"
        if spec.declares("16J.RECONNECT.03"):
            with spec("16J.RECONNECT.03"):
                assert seconds >= 1 - tolerance, f"it tried again after {seconds:.1f} s"


@case(
    "TLS_SESSIONS_CS",
    "A CSMS that has forgotten the sessions of TLS, as after a restart, is as good as one that remembers them",
    versions=BOTH,
    requirements=["TLS.SESSION.01"],
    needs=WITH_TLS,
)
async def test_sessions(
    station: StationDriver, csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile
) -> None:
    """Hang up twice: once nothing is forgotten, and once all of it."""
    door = await security.at(2, 3)
    async with guarded(station, csms, door, profile) as guardian:
        known = shown_at(door)
        forgotten = replace(known, chains=known.chains[::-1])
        with spec("TLS.SESSION.01"):
            for tls, what in ((known, "remembers"), (forgotten, "has forgotten")):
                tries = await guardian.welcomed(tls)
                assert [each.asked for each in tries[:1]] == [True], (
                    f"the CSMS {what} the session, and the first attempt has failed"
                )


@case(
    "TC_078_CS",
    "A root of the Central System that is out of date is not installed, and told of",
    versions=["1.6"],
    requirements=["16S.M05.FR.06", "16S.INSTALL.01"],
    needs="security-extension and (security-profile-2 or security-profile-3)",
    severity=Severity.CRITICAL,
)
async def test_bad_root(csms: CsmsPeer, security: StationSecurity, spec: Spec, profile: SutProfile) -> None:
    """Install one; it is taken out again where it is taken."""
    await security.at(2, 3)
    pem, mark = security.pki.expired_root, csms.now
    async with removed_after(csms, ROOT, pem):
        with spec("16S.M05.FR.06"):
            status = await offered(csms, ROOT, pem)
            assert status == "Rejected", f"a root whose time is over was answered {status}"
        if status == "Accepted":
            spec.unproven("16S.INSTALL.01", "the station took the root for a good one")
            return
        name = csms.speak.security_event("InvalidCsmsCertificate")
        with spec("16S.INSTALL.01"):
            try:
                await csms.expect(
                    "SecurityEventNotification",
                    where=lambda said: said["type"] == name,
                    after=mark,
                    within=profile.timing.answer,
                )
            except NotSeen:
                raise AssertionError(f"the station has not told of {name}") from None


# -- steps ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """What a station is shown, in words for the report, and whether it has to refuse that."""

    what: str
    wrong: str
    refuses: Refuses = "must"


class Trial:
    """Shows a station what it has to refuse, and judges what it makes of that."""

    def __init__(
        self,
        station: StationDriver,
        csms: CsmsPeer,
        spec: Spec,
        guardian: Guardian,
        profile: SutProfile,
    ) -> None:
        self._station = station
        self._csms = csms
        self._spec = spec
        self._guardian = guardian
        self._seconds = profile.timing.case
        self._began = monotonic()
        self._shown = 0
        self._judged: set[str] = set()
        self._because = "nothing could be shown to the station"
        self._silent = self._hangs = False

    async def refuses(
        self,
        told: Told,
        tls: ServerTls,
        rule: str | None,
        event: SecurityEvent | None = None,
        telling: str = "",
    ) -> None:
        """Show it, judge the refusal by one requirement, what goes with it by others, the telling of it by another."""
        unable = able(tls)
        if unable:
            self._note(told, Reception.NOT_JUDGED, why=unable)
            return
        if self._shown and (monotonic() - self._began) * (self._shown + 1) / self._shown > self._seconds:
            self._note(
                told, Reception.NOT_JUDGED, why="there was no time for it: the station waits long between attempts"
            )
            return
        self._shown += 1
        mark, first = self._csms.now, len(self._spec.findings)
        restarts = not self._guardian.quick and self._station.can("power_cycle")
        attempt = await self._guardian.shown(tls, restarts=restarts)
        assert attempt is not None, f"{told.what}: the station made no attempt to connect"
        if event in ("InvalidCsmsCertificate", None) and not attempt.tls.detail["shown"]:
            self._note(told, Reception.NOT_JUDGED, why="it could not be shown with the suites that the station offers")
            return
        how = refusal(attempt)
        if rule is not None:
            self._judged.add(rule)
            with self._spec(rule):
                assert how, f"{told.what} ({told.wrong}): the station went along with it"
        said = ""
        if not how:
            self._because = "the station has refused nothing"
        elif event is not None:
            said = await self._aftermath(attempt, mark, event, telling)
        besides = Verdict.worst(
            (each.verdict for each in self._spec.findings[first:] if each.verdict is not Verdict.PASS and how),
            Verdict.PASS,
        )
        outcome = Reception.REFUSED if how else Reception.ACCEPTED
        self._note(told, outcome, alert=attempt.alert, event=said, besides=besides)

    def leave_none_open(self, *requirements: str) -> None:
        """Say of what was not judged that it could not be."""
        for each in requirements:
            if each not in self._judged:
                self._spec.unproven(each, self._because)

    async def _aftermath(self, attempt: Attempt, mark: int, event: SecurityEvent, telling: str) -> str:
        """Judge what the station does besides refusing; the event that it told of, empty for none."""
        spec, guardian = self._spec, self._guardian
        if spec.declares("A00.FR.311"):
            self._judged.add("A00.FR.311")
            with spec("A00.FR.311"):
                over = await guardian.ended(attempt, patient=not self._hangs)
                self._hangs = self._hangs or not over
                assert over, "the station refuses, and leaves the connection open"
        if spec.declares("TLS.EARLY.01"):
            self._judged.add("TLS.EARLY.01")
            with spec("TLS.EARLY.01"):
                assert not attempt.asked, "the station asked for an upgrade before it refused"
        self._judged |= {"TLS.FALLBACK.01", telling}
        with spec("TLS.FALLBACK.01"):
            less = guardian.lesser(after=mark)
            assert not less, f"after it had refused, {less}"
        name = self._csms.speak.security_event(event)
        told = False
        with spec(telling):
            told = await guardian.told(name, after=mark, patient=not self._silent)
            self._silent = self._silent or not told
            assert told, f"the station is back, and has not told of {name}"
        return name if told else ""

    def _note(
        self,
        told: Told,
        outcome: Reception,
        **more: Any,
    ) -> None:
        self._spec.shown.append(Shown(told.what, outcome, told.wrong, told.refuses, **more))


def shown_at(door: Door) -> ServerTls:
    """What is shown at a door with TLS."""
    assert door.tls is not None, "there is no TLS at this address"
    return door.tls


def has(offered: Mapping[str, Any], pair: tuple[str, ...]) -> bool:
    """Whether both suites of a pair are offered."""
    return all(each in offered.get("suites", ()) for each in pair)


async def comes_back(station: StationDriver, guardian: Guardian, tls: ServerTls, what: str) -> None:
    """See that the station comes back to this; one whose program has ended has refused nothing."""
    try:
        await guardian.welcomed(tls)
    except AssertionError as missing:
        if station.trouble:
            raise DriverFailed("reconnect", station.trouble) from None
        raise AssertionError(f"{what} did not come back: {missing}") from None


def serial_number(csms: CsmsPeer) -> str | None:
    """The serial number that the station has told of itself when it booted, None where it has not."""
    boots = csms.transcript.frames(sender="sut", station=csms.identity, action="BootNotification")
    told = [getattr(each.frame, "payload", {}) for each in boots]
    told += [each["chargingStation"] for each in told if isinstance(each.get("chargingStation"), dict)]
    names = ("serialNumber", "chargePointSerialNumber", "chargeBoxSerialNumber")
    found = [each[name] for each in told for name in names if isinstance(each.get(name), str)]
    return found[-1] if found else None
