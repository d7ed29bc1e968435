"""What the cases about the wire share: traffic to judge by, and findings from what the oracles miss in it."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from conformance.cases.spec import Spec
from conformance.oracles import wire
from conformance.peers.csms import CsmsPeer
from conformance.peers.csms_scenes import commanded, reads
from conformance.peers.odd_messages import requests_to
from conformance.peers.peer import Peer
from conformance.peers.received import NotSeen
from conformance.peers.replies import Late
from conformance.peers.scenes import Operated, all_connectors_reported, base_report, reboot
from conformance.peers.station import StationPeer
from conformance.sut.drivers import CsmsDriver, DriverFailed, Unsupported
from conformance.sut.profile import SutProfile
from conformance.wire.frames import Call
from conformance.wire.transcript import Entry, Sender, Transcript

_WHATEVER = (AssertionError, LookupError, TypeError, ValueError, Unsupported, DriverFailed)
"""How traffic may go wrong: what is judged is in the transcript all the same."""

_ENOUGH = 2
"""How many calls of a CSMS are enough to judge by."""

_POINTED_AT = 20


class Traffic(Protocol):
    """Has a system under test say something; what goes wrong in that is in the transcript."""

    async def some(self) -> None:
        """Have it answer, and make calls of its own, with times in them, unless it has made enough before."""

    async def anew(self) -> None:
        """Have it begin anew, and make calls again: a message id outlasts a connection."""

    async def much(self, *, delay: float) -> None:
        """Have it much to say, to a harness that takes so many seconds over each answer."""


class StationTraffic:
    """See `Traffic`; a station is asked, reboots and reports."""

    def __init__(self, station: Operated, csms: CsmsPeer, profile: SutProfile) -> None:
        self._station = station
        self._csms = csms
        self._profile = profile

    async def some(self) -> None:
        """Ask something; have it report, unless it was asked to before."""
        with contextlib.suppress(*_WHATEVER):
            await self._csms.attempt(*requests_to(self._profile).plain)
            await self._report()

    async def anew(self) -> None:
        """Have it boot."""
        with contextlib.suppress(*_WHATEVER):
            await reboot(self._station, self._csms)
            await self._report()

    async def much(self, *, delay: float) -> None:
        """Have it boot and report, which is when it has most to say."""
        csms = self._csms
        for action in ("BootNotification", "MeterValues", "NotifyEvent", "NotifyReport", "StatusNotification"):
            csms.answer(action, Late(delay), Late(delay))
        with contextlib.suppress(*_WHATEVER):
            booted = await reboot(self._station, csms)
            await all_connectors_reported(csms, self._profile.connectors, after=booted.notification)
            await self._report()
        with contextlib.suppress(NotSeen):
            await csms.until(lambda: all_answered(csms, "sut"), "the last answers", within=2 * delay)

    async def _report(self) -> None:
        """A report where the version has one, else values of the meter."""
        csms, first = self._csms, self._profile.connectors[0]
        asked = csms.transcript.exchanges(sender="harness", station=csms.identity)
        actions = {getattr(each.call.frame, "action", "") for each in asked}
        if self._profile.version == "1.6" and "TriggerMessage" not in actions:
            await csms.speak.trigger("MeterValues", first)
            await csms.expect("MeterValues")
        elif self._profile.version != "1.6" and "GetBaseReport" not in actions:
            await base_report(csms, "ConfigurationInventory")


class CsmsTraffic:
    """See `Traffic`; a CSMS answers the station of the harness, and has commands for it if somebody operates it."""

    def __init__(self, station: StationPeer, csms: CsmsDriver, profile: SutProfile) -> None:
        self._station = station
        self._csms = csms
        self._profile = profile

    async def some(self) -> None:
        """Send what stations send; have it read some settings, unless it has asked enough before."""
        station = self._station
        with contextlib.suppress(*_WHATEVER):
            await station.heartbeat()
            await station.report_all_connectors()
            await station.authorize(self._profile.parameters.valid_id_token.payload)
            await self._command(_ENOUGH - len(said(station, Call)))

    async def anew(self) -> None:
        """Connect and boot again, and have it read some settings."""
        with contextlib.suppress(*_WHATEVER):
            await self._station.disconnect()
            await self._station.bring_up()
            await self._command(_ENOUGH)

    async def much(self, *, delay: float) -> None:
        """Have it read three settings at once."""
        station, commands = self._station, reads(self._station)[:3]
        mark, action = station.now, commands[0].action
        station.keep_answering(action, Late(delay))
        for command in commands:
            self._csms.launch(command.action, command.payload)
        with contextlib.suppress(NotSeen):
            await station.until(
                lambda: len(station.seen(action, after=mark)) >= len(commands) and all_answered(station, "sut"),
                "the commands",
                within=self._profile.timing.command + len(commands) * delay,
            )

    async def _command(self, number: int) -> None:
        for command in reads(self._station)[: max(number, 0)]:
            await commanded(self._csms, self._station, self._profile, command)


def all_answered(peer: Peer, asker: Sender) -> bool:
    """Whether every call in order that an end made on the present connection has got an answer."""
    link = peer.link
    if link is None:
        return True
    asked = peer.transcript.exchanges(sender=asker, station=peer.identity, link=link.number)
    return all(
        each.answer is not None for each in asked if isinstance(each.call.frame, Call) and not each.call.problems
    )


# -- judging ----------------------------------------------------------------------------------------------------------


def identities(peer: Peer) -> list[str]:
    """The station that is spoken of, and whoever else had a connection in the session."""
    return list(dict.fromkeys([peer.identity, *wire.stations(peer.transcript)]))


def said(peer: Peer, *kinds: type) -> list[Entry]:
    """Every frame of the system under test in the session, of these kinds where some are named."""
    return peer.transcript.frames(sender="sut", kind=kinds or None)


def judge(
    peer: Peer,
    spec: Spec,
    oracle: Callable[[Transcript, str], wire.Misses],
    *,
    by: Iterable[object],
    instead: dict[str, Iterable[object]] | None = None,
) -> None:
    """Turn what an oracle finds into findings that point at the frames.

    `by` is what can be judged at all, `instead` that for some of the requirements; where it is nothing, they stay
    unproven.
    """
    misses = wire.together(oracle(peer.transcript, each) for each in identities(peer))
    for requirement, found in misses.items():
        if not any(True for _ in (instead or {}).get(requirement, by)):
            spec.unproven(requirement, "nothing was sent that this could be judged by")
            continue
        judge_misses(peer, spec, requirement, found)


def judge_misses(peer: Peer, spec: Spec, requirement: str, found: Sequence[wire.Miss]) -> None:
    """Turn misses of one requirement into a finding that points at the frames, but for what another case has found."""
    told = [(miss, spec.counted(requirement, miss.entries[-1].n) if miss.entries else "") for miss in found]
    new = [miss for miss, case in told if not case]
    if told and not new:
        cases = ", ".join(dict.fromkeys(case for _, case in told))
        spec.excuse(requirement, f"all that breaks it was found by {cases}")
        return
    with spec(requirement):
        peer.touch(*(entry for miss in new[:_POINTED_AT] for entry in miss.entries))
        assert not new, wire.summary(new)
