"""The life of a setting: it is read, changed, read, kept over a restart and put back, and wrong values are refused.

Only what the harness or the profile calls safe is changed (catalogue/safe-….toml); the report says what was left alone.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress

from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.tried import Fate, Tried
from conformance.cases.verdict import Severity
from conformance.oracles.inventory import told
from conformance.oracles.setting_values import Wrong, edges, wrong
from conformance.peers.csms import CsmsPeer
from conformance.peers.ledger import SET, late_settings, ledger, safety_of
from conformance.peers.lifecycle import MUTE, Book, Change, book, change_all, noted, rounds, shown
from conformance.peers.received import NoAnswer, NotSeen
from conformance.peers.scenes import reboot, running, stop_charging, transaction, vacated
from conformance.sut.drivers import StationDriver
from conformance.sut.profile import SutProfile
from conformance.wire.faults import Network

NOTHING_SAFE = "the station has no setting that can be changed without harm"
HALF_WAY = (
    *("OCPPCommCtrlr.OfflineThreshold", "SampledDataCtrlr.TxUpdatedInterval", "TxCtrlr.EVConnectionTimeOut"),
    *("MeterValueSampleInterval", "ConnectionTimeOut", "ResetRetries"),
)
"""What is changed while a transaction runs, in either version: nothing that it depends on."""


# -- changed, kept, put back ------------------------------------------------------------------------------------------


@case(
    "SETTINGS_LIFECYCLE_CS",
    "Every setting that is safe to change is changed, reads so, is kept over a restart, and can be put back",
    versions=["2.0.1", "1.6"],
    requirements=[
        *("B05.FR.10", "SET.TAKES.01", "SET.OTHERS.01", "SET.REPORT.01", "SET.KEPT.01"),
        *("SET.REBOOT.01", "SET.REBOOT.02", "SET.BACK.01"),
    ],
    severity=Severity.BLOCKER,
)
async def test_lifecycle(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Change all at once, look, restart once, look again, and put all back; restart again if one needs that."""
    async with book(csms, profile, spec) as opened:
        spec.tried += [Tried(name, Fate.LEFT_ALONE, why=why) for name, why in opened.left.items()]
        if not opened.chosen:
            nothing_safe(spec, opened)
            return
        async with no_boot(csms, spec, profile):
            changes, untrue, stuck = await change_all(opened)
            with spec("B05.FR.10"):
                assert not untrue, told(untrue)
            with spec("SET.TAKES.01"):
                assert not stuck, told(stuck)
            made = [each for each in changes if each.taken and each.fate is None]
            await judge_shown(spec, opened, made)
            late = any(each.answer == "RebootRequired" for each in made)
            if late:
                await quiet(csms, profile)
        if not late:
            spec.excuse("SET.REBOOT.02", "no setting that was changed needs a restart")
        await restarted(station, csms, profile)
        opened.late.clear()
        found = await opened.read(each.chosen.id for each in made)
        judge_kept(spec, made, found, at_restart(profile))
        answers, wrongs = await opened.restore()
        if opened.late:
            await restarted(station, csms, profile)
            opened.late.clear()
            found = await opened.read(each.chosen.id for each in changes)
            wrongs |= {
                each.chosen.id: each.chosen.reads(found)
                for each in changes
                if each.taken and not each.chosen.holds(found, each.chosen.now)
            }
        with spec("SET.BACK.01"):
            faults = list(not_back(changes, answers, wrongs))
            assert not faults, told(faults)
        noted(spec, changes, Fate.KEPT)


async def judge_shown(spec: Spec, opened: Book, made: list[Change]) -> None:
    """Compare what the station lists now with what was changed, and with what was not."""
    try:
        listed = await opened.ledger.shown()
    except AssertionError as missing:
        if isinstance(missing, NoAnswer):
            raise
        for requirement in ("SET.REPORT.01", "SET.OTHERS.01"):
            spec.unproven(requirement, f"the station does not list what can be set: {missing}")
        return
    with spec("SET.REPORT.01"):
        faults = [
            f"{each.chosen.entry} was set to {shown(each.value)}, and the report says {shown(listed[each.chosen.id])}"
            for each in made
            if each.answer == "Accepted" and each.chosen.id in listed and not each.chosen.holds(listed, each.value)
        ]
        assert not faults, told(faults)
    with spec("SET.OTHERS.01"):
        tried = {each.chosen.id for each in made} | opened.touched.keys()
        faults = [
            f"{each} has another value than before, though nobody set it"
            for each in opened.entries
            if each.access == "ReadWrite"
            and each.id not in tried
            and not each.moves
            and each.value is not None
            and each.id in listed
            and listed[each.id] != each.value
        ]
        assert not faults, told(faults)


@asynccontextmanager
async def no_boot(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> AsyncIterator[None]:
    """See that a station that is told nothing but new settings does not restart in the block."""
    mark = csms.now
    broken: AssertionError | None = None
    try:
        yield
    except AssertionError as error:
        broken = error
        if csms.link is None or isinstance(error, NoAnswer):
            with suppress(NotSeen):
                await csms.expect("BootNotification", after=mark, within=profile.timing.boot)
    boots = csms.seen("BootNotification", after=mark)
    csms.touch(*boots[:1])
    if broken is not None and not boots:
        raise broken
    with spec.must("SET.REBOOT.02"):
        assert not boots, "settings were changed, and the station restarted without being told to"


async def quiet(csms: CsmsPeer, profile: SutProfile) -> None:
    """Give the station the time to restart by itself."""
    mark = csms.now
    with suppress(NotSeen):
        await csms.expect("BootNotification", after=mark, within=profile.timing.settle)


async def restarted(station: StationDriver, csms: CsmsPeer, profile: SutProfile) -> None:
    """Restart the station, and wait until it is accepted."""
    await reboot(station, csms)
    await csms.until(lambda: csms.registration == "Accepted", "the boot to be accepted", within=profile.timing.boot)


def at_restart(profile: SutProfile) -> str:
    """The id of the setting that takes effect at a restart by what the profile says, empty where it says nothing."""
    return next((name.casefold() for name in late_settings(profile)), "")


def judge_kept(spec: Spec, made: list[Change], found: Mapping[str, str], at_restart: str) -> None:
    """Judge what the changed settings read after a restart; what the boot sets may be anything."""
    due = [each for each in made if not each.chosen.safe.by_boot]
    kept = [each for each in due if each.answer == "Accepted"]
    late = [each for each in due if each.answer == "RebootRequired"]
    hasty = [
        f"{each.chosen.entry} takes effect after a restart by its profile, and a change of it was {each.answer}"
        for each in kept
        if each.chosen.id == at_restart
    ]
    if kept:
        with spec("SET.KEPT.01"):
            assert not (faults := lost(kept, found, certain=True)), told(faults)
        if doubtful := lost(kept, found, certain=False):
            spec.warn("SET.KEPT.01", told(doubtful))
    else:
        spec.unproven("SET.KEPT.01", "no setting was changed that has to outlast a restart")
    if late or hasty:
        with spec("SET.REBOOT.01"):
            faults = [*hasty, *lost(late, found, certain=True), *lost(late, found, certain=False)]
            assert not faults, told(faults)
    else:
        spec.excuse("SET.REBOOT.01", "no setting that was changed needs a restart")


def lost(made: Iterable[Change], found: Mapping[str, str], *, certain: bool) -> list[str]:
    """What was changed and is not so any more, in words: what has to last, or what need not."""
    return [
        each.fault(
            Fate.UNKEPT,
            f"was set to {shown(each.value)} ({each.answer}), and is {each.chosen.reads(found)} after the restart",
        )
        for each in made
        if each.chosen.entry.lasting is certain and not each.chosen.holds(found, each.value)
    ]


def not_back(changes: Iterable[Change], answers: Mapping[str, str], wrongs: Mapping[str, str]) -> Iterator[str]:
    """What could not be put back, in words."""
    for each in changes:
        id_, was = each.chosen.id, shown(each.chosen.now)
        if id_ in wrongs:
            answer = answers.get(id_, "not sent")
            yield each.fault(Fate.NOT_BACK, f"was {was}; putting that back was {answer}, and it reads {wrongs[id_]}")


# -- what may not be --------------------------------------------------------------------------------------------------


@case(
    "SETTINGS_WRONG_VALUES_CS",
    "Every setting that is safe to change refuses what is out of range or of another type, and stays as it is",
    versions=["2.0.1", "1.6"],
    requirements=["B05.FR.07", "B05.FR.08", "16.CHANGE.09", "SET.REFUSED.01", "SET.TAKES.02"],
    severity=Severity.CRITICAL,
)
async def test_wrong_values(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set the first edge of each, the second, and back; then the first wrong value of each, the second, and so on."""
    async with book(csms, profile, spec) as opened:
        if not opened.chosen:
            nothing_safe(spec, opened)
            return
        if spec.declares("SET.TAKES.02"):
            await try_edges(spec, opened)
        await try_wrong(spec, opened, leave=opened.touched)


async def try_edges(spec: Spec, opened: Book) -> None:
    """Set each setting to the edges that it tells."""
    refused: list[str] = []
    tried = {each.id: edges(each.entry.kind, each.safe) for each in opened.chosen}
    for wanted in rounds(tried):
        answers = await opened.write(wanted)
        refused += [
            f"{each.entry} says that it takes {shown(wanted[each.id])}, which was answered {answers[each.id]}"
            for each in opened.chosen
            if each.id in wanted and answers[each.id] not in SET
        ]
    await opened.restore()
    if any(tried.values()):
        with spec("SET.TAKES.02"):
            assert not refused, told(refused)
    else:
        spec.excuse("SET.TAKES.02", "no setting that is safe to change tells where its range ends")


async def try_wrong(spec: Spec, opened: Book, *, leave: Collection[str]) -> None:
    """Set each setting to wrong values, but those that are not as they were; what is taken is put back at once."""
    member = "16.CHANGE.09" if spec.declares("16.CHANGE.09") else "B05.FR.07"
    rules = {"format": "B05.FR.07", "range": "B05.FR.08", "member": member}
    faults: dict[str, list[str]] = {rule: [] for rule in (*dict.fromkeys(rules.values()), "SET.REFUSED.01")}
    chosen = [each for each in opened.chosen if each.id not in leave]
    changes = {each.id: Change(each) for each in chosen}
    tried = {each.id: wrong(each.entry.kind, each.now, longest=opened.ledger.longest) for each in chosen}
    for wanted in rounds(tried):
        answers = await opened.write({id_: each.value for id_, each in wanted.items()})
        found = await opened.read(wanted)
        for id_, each in wanted.items():
            change, answer = changes[id_], answers[id_]
            change.value, change.answer = each.value, answer
            if answer not in opened.ledger.refusals:
                faults[rules[each.rule]].append(change.fault(Fate.TOOK_WRONG, answered(each, answer)))
            if answer not in SET and not change.chosen.holds(found, change.chosen.now):
                faults["SET.REFUSED.01"].append(change.fault(Fate.UNTRUE, changed_all_the_same(each, change, found)))
        if any(changes[id_].fate is not None for id_ in wanted):
            await opened.restore()
    found_rules = {rules[each.rule] for values in tried.values() for each in values}
    for requirement, said in faults.items():
        if requirement in found_rules or requirement == "SET.REFUSED.01":
            with spec(requirement):
                assert not said, told(said)
        else:
            spec.excuse(requirement, "no setting that is safe to change tells enough of itself for such a value")
    noted(spec, [each for each in changes.values() if each.answer], Fate.GUARDED)


def answered(each: Wrong, answer: str) -> str:
    """A wrong value that was not refused, in words."""
    return f"was set to {shown(each.value)} ({each.what}), which was answered {answer}"


def changed_all_the_same(each: Wrong, change: Change, found: Mapping[str, str]) -> str:
    """A wrong value that was refused and left something behind, in words."""
    reads, was = change.chosen.reads(found), shown(change.chosen.now)
    return f"was {was}, {shown(each.value)} was answered {change.answer}, and it reads {reads}"


@case(
    "SETTINGS_FIXED_CS",
    "What is read-only can't be set, not even to what it is",
    versions=["2.0.1", "1.6"],
    requirements=["B05.FR.09"],
    severity=Severity.NORMAL,
)
async def test_fixed(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Set what the station is made of, and does no harm, to the value that it has."""
    safety, settings = safety_of(profile), ledger(csms, profile)
    entries = [
        each
        for each in await settings.entries()
        if each.access == "ReadOnly"
        and each.value
        and len(each.value) <= settings.longest
        and safety.may_probe(each.name)
    ]
    if not entries:
        spec.unproven("B05.FR.09", "the station lists nothing read-only that could be tried without harm")
        return
    answers = await settings.write({each: each.value or "" for each in entries})
    with spec("B05.FR.09"):
        taken = [
            f"{each} is read-only, and setting it to what it is was answered {answers[each.id]}"
            for each in entries
            if answers[each.id] not in settings.refusals
        ]
        assert not taken, told(taken)
    spec.tried += [
        Tried(
            each.name,
            Fate.GUARDED if answers[each.id] in settings.refusals else Fate.TOOK_WRONG,
            shown(each.value or ""),
            shown(each.value or ""),
            answers[each.id],
            "it is read-only",
        )
        for each in entries
    ]


# -- in the middle of other things ------------------------------------------------------------------------------------


@case(
    "SETTINGS_IN_TRANSACTION_CS",
    "Settings are changed half way through a transaction, which goes on, and hold when it is over",
    versions=["2.0.1", "1.6"],
    requirements=["B05.FR.10", "SET.SESSION.01", "SET.SESSION.02"],
    severity=Severity.CRITICAL,
)
async def test_in_transaction(station: StationDriver, csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Start one, change what it does not depend on, look at both, end it, and look at the settings again."""
    spot, token = profile.connectors[0], profile.parameters.valid_id_token.payload
    async with book(csms, profile, spec, only=HALF_WAY) as opened, vacated(station, csms):
        if not opened.chosen:
            nothing_safe(spec, opened, " in a transaction")
            return
        never_ended = running(csms)  # what a station was not let tell the end of, by an earlier case
        session = await transaction(station, csms, spot, token)
        changes, untrue, _ = await change_all(opened)
        with spec("B05.FR.10"):
            assert not untrue, told(untrue)
        made = [each for each in changes if each.answer == "Accepted" and each.fate is None]
        if not made:
            for requirement in ("SET.SESSION.01", "SET.SESSION.02"):
                spec.excuse(requirement, "the station changes nothing while a transaction runs, and it may refuse to")
            return
        with spec.must("SET.SESSION.01"):
            with suppress(NotSeen):
                await csms.until(
                    lambda: running(csms) != [*never_ended, session.transaction_id],
                    "nothing",
                    within=profile.timing.settle,
                )
            going = [each for each in running(csms) if each not in never_ended]
            assert session.transaction_id in going, "settings were changed, and the transaction ended"
            assert len(going) == 1, "settings were changed, and another transaction began"
        await stop_charging(station, csms, session, token)
        found = await opened.read(each.chosen.id for each in made)
        with spec("SET.SESSION.02"):
            lost = [
                each.fault(
                    Fate.UNKEPT,
                    f"was set to {shown(each.value)} and is {each.chosen.reads(found)} after the transaction",
                )
                for each in made
                if not each.chosen.holds(found, each.value)
            ]
            assert not lost, told(lost)
        noted(spec, changes, Fate.TAKEN)


@case(
    "SETTINGS_OUTLAST_OUTAGE_CS",
    "What was changed is still so when the connection was lost and is back",
    versions=["2.0.1", "1.6"],
    requirements=["SET.KEPT.02"],
    severity=Severity.NORMAL,
)
async def test_outage(csms: CsmsPeer, network: Network, spec: Spec, profile: SutProfile) -> None:
    """Change all that is safe, cut the connection, and look when it is back."""
    async with book(csms, profile, spec) as opened:
        if not opened.chosen:
            nothing_safe(spec, opened)
            return
        changes, _, _ = await change_all(opened)
        made = [each for each in changes if each.answer == "Accepted" and each.fate is None]
        if not made:
            spec.unproven("SET.KEPT.02", "the station takes no change that works at once")
            return
        async with network.turned_away():
            await csms.disconnected()
            await csms.silence(for_=profile.timing.settle)
        await csms.connected(within=profile.timing.reconnect)
        found = await opened.read(each.chosen.id for each in made)
        with spec("SET.KEPT.02"):
            lost = [
                each.fault(
                    Fate.UNKEPT,
                    f"was set to {shown(each.value)} and is {each.chosen.reads(found)} after the outage",
                )
                for each in made
                if not each.chosen.safe.by_boot and not each.chosen.holds(found, each.value)
            ]
            assert not lost, told(lost)
        noted(spec, changes, Fate.TAKEN)


# -- steps ------------------------------------------------------------------------------------------------------------


def nothing_safe(spec: Spec, opened: Book, when: str = "") -> None:
    """Say of all that the case declares that it could not be judged."""
    mute = [name for name, why in opened.left.items() if why == MUTE]
    because = NOTHING_SAFE + when + (f": {len(mute)} would be, and do not tell their value" if mute else "")
    for requirement in spec.case.requirements:
        spec.unproven(requirement, because)
