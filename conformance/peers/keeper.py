"""Keeps what a CSMS changes at a station, so that it can be put back: by this run, or by the next one.

Every request of the harness's CSMS passes by here. Before one that changes something goes out, what it replaces is read
where that is not known yet, and noted in the journal; it is struck out once the station has shown that it is as it was.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.oracles.kept_profiles import Wanted, told
from conformance.peers import certificate_changes as certificates
from conformance.peers import changes
from conformance.peers.changes import LASTING, LIST_ENTRY, PASSWORD, RULES, SLOT, Memory, Standing
from conformance.peers.journal import Change, Journal, Request
from conformance.peers.received import NoAnswer, NotSeen, Received, Refused
from conformance.peers.v201 import now
from conformance.wire.frames import CallResult

if TYPE_CHECKING:
    from conformance.peers.csms import CsmsPeer
    from conformance.sut.secret import Secret
    from conformance.wire.transcript import Entry

_requests = count(66_000)


class Keeper:
    """What is kept of one station, and the journal of it."""

    def __init__(self, csms: "CsmsPeer", journal: Journal | None = None, password: "Secret | None" = None) -> None:
        """`password` is the station's own, by its profile."""
        self.journal = Journal() if journal is None else journal
        self._csms = csms
        self._password = password
        self._memory = Memory()
        self._untaken: set[str] = set()
        """Open changes that the station has refused, every time."""
        self._later: set[str] = set()
        """Open changes that take a restart: till then a value that is read says nothing."""
        self._restoring = False
        self._asked = False
        self._failed: dict[str, str] = {}
        """Why something could not be put back."""
        self._hashes = tuple(each for change in self.journal for each in change.hashes)

    # -- around every request -----------------------------------------------------------------------------------------

    async def before(self, action: str, payload: Mapping[str, Any]) -> frozenset[str]:
        """Note what a request is about to replace; gives what nothing but this request has changed.

        Raises OSError where the journal can't be written: nothing is changed then.
        """
        rule = RULES.get(action)
        if rule is None or self._restoring:
            return frozenset()
        with suppress(AssertionError):
            await self._look(action, rule.ask(action, payload, self._memory))
        fresh = set()
        for change in rule.replaced(action, payload, self._memory):
            if change.what not in self.journal or change.what in self._untaken:
                fresh.add(change.what)
            if change.what != PASSWORD or not self._own(changes.password_set(action, payload)):
                self._open(change)
        self._untaken -= fresh
        return frozenset(fresh)

    async def _listed(self, request: Request) -> list[tuple[str, Mapping[str, Any]]]:
        """The roots that the station lists, each with its use; raises as `Peer.call`."""
        return list(certificates.listed(request[1], await self._csms.call(*request)))

    async def _look(self, action: str, asks: list[Request]) -> None:
        """See what is there before it is changed, where that is not known; raises as `Peer.attempt`."""
        if not self._reachable:
            return
        for request in asks:
            await self._csms.attempt(*request)
        if action in _ROOTS and not self._memory.roots_asked:
            self._memory.roots_asked = True
            for request in certificates.listing(self._version):
                self._memory.roots |= {certificates.name_of(*each) for each in await self._listed(request)}
        if action in ("SetChargingProfile", "ClearChargingProfile"):
            await self.profiles()
        if action in _MONITORS and self._memory.monitors is None:
            self._memory.monitors = {}  # once: one that does not tell them is not asked again
            self._memory.monitors = await self._monitors()

    def _open(self, change: Change) -> None:
        """Note a change; of one that is open already, what was there stays, and where it leads to now is added."""
        known = self.journal.get(change.what)
        if known is None:
            self.journal.open(self._noted(change))
        elif change.hashes or change.url != known.url:
            more = msgspec.structs.replace(known, url=change.url, hashes=(*known.hashes, *change.hashes))
            self.journal.open(more)

    def after(self, action: str, payload: Mapping[str, Any], entry: "Entry", fresh: frozenset[str]) -> None:
        """Learn from the answer to a request; `fresh` is what `before` gave. Raises OSError."""
        answer = entry.frame.payload if isinstance(entry.frame, CallResult) else None
        given = answer if isinstance(answer, dict) else {}
        if action in ("GetVariables", "GetConfiguration"):
            self._read(given)
        elif action == "GetLocalListVersion" and self._memory.list_version is None:
            version = given.get("versionNumber", given.get("listVersion"))
            self._memory.list_version = version if isinstance(version, int) and version > 0 else 0
        rule = RULES.get(action)
        if rule is None or self._restoring:
            return
        if action == "SetVariableMonitoring":
            self._monitors_made(payload, given)
        for what, outcome in rule.told(action, payload, given, self._memory):
            if outcome == "restored" or (what == PASSWORD and self._own_taken(action, payload, outcome)):
                self._strike(what)
            elif outcome == "refused" and what in fresh:
                self._refused(what)
            elif outcome == "later":
                self._later.add(what)

    def _own_taken(self, action: str, payload: Mapping[str, Any], outcome: str) -> bool:
        return outcome in ("taken", "later") and self._own(changes.password_set(action, payload))

    def _own(self, password: str | None) -> bool:
        own = self._password.reveal() if self._password is not None else None
        return own is not None and password is not None and changes.is_password(password, own)

    def _refused(self, what: str) -> None:
        """Some stations refuse a value and take it all the same; what can be read is looked at before it is struck."""
        change = self.journal.get(what)
        if change is not None and change.undo is not None and change.undo[0] in _WRITES:
            self._untaken.add(what)
        else:
            self._strike(what)

    def _read(self, answer: Mapping[str, Any]) -> None:
        for what, value in changes.values_read(answer).items():
            change = self.journal.get(what)
            if change is None:
                self._memory.values[what.casefold()] = value
            elif value is not None and value == change.was and change.undo and what not in self._later:
                self._strike(what)
        self._memory.absent.update(what.casefold() for what in changes.values_absent(answer))

    def _strike(self, what: str) -> None:
        self.journal.strike(what)
        self._failed.pop(what, None)
        self._untaken.discard(what)
        self._later.discard(what)
        if what == PASSWORD:
            self._hashes = ()

    def _noted(self, change: Change) -> Change:
        return msgspec.structs.replace(change, case=self._csms.case, at=now())

    @property
    def _reachable(self) -> bool:
        return self._csms.link is not None and self._csms.link.is_open

    @property
    def _version(self) -> str:
        """The version of the connection, empty without one."""
        link = self._csms.link
        return "" if link is None or link.version is None else link.version.name

    # -- charging profiles that somebody else has set -----------------------------------------------------------------

    async def profiles(self) -> list[Standing]:
        """The charging profiles that the station had before it was given any here, as far as it can be asked.

        That is in OCPP 2.0.1 alone, and of a station that reports them. It is asked once.
        """
        if self._memory.profiles is None and not self._asked and self._reachable:
            self._asked = True
            if self._version not in ("", "1.6"):
                found: list[Standing] = []
                with suppress(Refused, NoAnswer):  # one that does not answer is not asked any further
                    for purpose in LASTING:
                        found += await self._reported(purpose)
                self._memory.profiles = found
        return self._memory.profiles or []

    async def _reported(self, purpose: str) -> list[Standing]:
        number = next(_requests)
        request = ("GetChargingProfiles", Wanted(purpose=purpose).request(number))
        parts = await self._parts(request, "ReportChargingProfiles", number)
        requests = [{"evseId": each.evse, "chargingProfile": dict(each.profile)} for each in told(parts)]
        found = [changes.standing(each) for each in requests]
        return [each for each in found if each is not None and each.purpose == purpose]

    async def _parts(self, request: Request, report: str, number: int) -> list[Received]:
        """Ask for a report, and collect it, as far as it comes in the time that an answer may take."""
        csms, mark = self._csms, self._csms.now
        answer = await csms.call(*request)
        parts: list[Received] = []

        def of_this(part: Received) -> bool:
            return part.get("requestId") == number

        with suppress(NotSeen):
            while answer.get("status") == "Accepted" and (not parts or parts[-1].get("tbc") is True):
                last = parts[-1] if parts else mark
                parts.append(await csms.expect(report, after=last, where=of_this, within=csms.patience.answer))
        return parts

    # -- monitors -----------------------------------------------------------------------------------------------------

    async def _monitors(self) -> dict[int, dict[str, Any]]:
        """The monitors that the station has, as far as it tells."""
        number = next(_requests)
        with suppress(Refused, NoAnswer):
            request = ("GetMonitoringReport", {"requestId": number})
            return changes.monitors_told(list(await self._parts(request, "NotifyMonitoringReport", number)))
        return {}

    def _monitors_made(self, payload: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """A monitor is known by the id that it was given, from then on."""
        for what, id_ in changes.monitors_made(payload, answer):
            if what not in self.journal:
                continue
            if id_ is not None:
                undo = ("ClearVariableMonitoring", {"id": [id_]})
                self.journal.open(self._noted(Change(changes.monitor_name(id_), "not there", undo)))
            self._strike(what)

    # -- putting back -------------------------------------------------------------------------------------------------

    def admits(self, password: str) -> bool:
        """Whether a station may come with this password, since an earlier run has left it there."""
        return PASSWORD in self.journal and changes.recognized(password, self._hashes)

    async def restore(self, *, within: float, again: bool = False) -> None:
        """Put back what is open, the newest first, within so many seconds; `again` also what could not be before.

        It never raises, but OSError where the journal can't be written. What can't be put back stays in the journal;
        `left` says why.
        """
        due = [each for each in reversed(tuple(self.journal)) if again or each.what not in self._failed]
        if not due or not self._reachable:
            return
        self._restoring = True
        try:
            async with asyncio.timeout(within):
                for change in due:
                    await self._put_back(change)
        except TimeoutError:
            for each in due:
                if each.what in self.journal:
                    self._failed.setdefault(each.what, f"the time was up after {within:g} s")
        finally:
            self._restoring = False

    def commissioned(self) -> None:
        """Hear that an installer has set up the station anew: of some things nothing is left to be put back."""
        for change in tuple(self.journal):
            if change.what == PASSWORD or change.what.startswith(SLOT) or is_commissioned(change.what):
                self._strike(change.what)
        self._memory.roots, self._memory.roots_asked = set(), False
        self._memory.values = {name: was for name, was in self._memory.values.items() if not is_commissioned(name)}

    @property
    def needs_installer(self) -> bool:
        """Whether certificates were changed in a way that can't be undone over OCPP."""
        return any(certificates.is_certificate(each.what) and each.undo is None for each in self.journal)

    def left(self) -> dict[str, str]:
        """What is still open, and why: in words, with what to do."""
        return {str(each): self._failed.get(each.what, "it was not tried") for each in self.journal}

    async def _put_back(self, change: Change) -> None:
        what = change.what
        try:
            why = await self._undo(change)
        except AssertionError as error:
            why = str(error)
        if not why or what in self._untaken:  # what was never taken, and is not as it was, moves by itself
            self._strike(what)
        else:
            self._failed[what] = why

    async def _undo(self, change: Change) -> str:
        """Have one change undone; says why that can't be, nothing where it is."""
        what, request = change.what, change.undo
        if what == PASSWORD:
            return await self._give_own_password()
        if what.startswith(SLOT):
            return await self._leave_slot(what)
        if certificates.is_certificate(what):
            return await self._remove_root(what) if request is not None else _NO_INSTALLER
        if request is None:
            return "what was there can't be read: set it as it should be"
        return await self._ask_back(what, request)

    async def _ask_back(self, what: str, request: Request) -> str:
        """Make the request that undoes something, unless that is done already."""
        csms = self._csms
        if request[0] == "SetVariableMonitoring":
            wanted = request[1]["setMonitoringData"][0]
            if wanted in (await self._monitors()).values():
                return ""
        if what.startswith(LIST_ENTRY):
            request = await self._next_list(request)
        if request[0] in _WRITES and what not in self._later:
            await csms.attempt(*_asking(request))
            if what not in self.journal:
                return ""
        answer = await csms.call(*request)
        return _status(answer)

    async def _remove_root(self, what: str) -> str:
        """Have a root deleted that was not there, by the hashes that the station lists it with."""
        [request] = certificates.listing(self._version, certificates.use_of(what))
        there = await self._listed(request)
        found = next((data for use, data in there if certificates.name_of(use, data) == what), None)
        if found is None:
            return ""
        if len(there) == 1 and certificates.is_of_csms(what):
            return "the station has no other to check the CSMS with: install the one that it should have"
        return _status(await self._csms.call("DeleteCertificate", {"certificateHashData": dict(found)}))

    async def _give_own_password(self) -> str:
        if self._password is None:
            return "the profile names no password to go back to: give the station its own"
        version = self._version
        answer = await self._csms.call(*changes.password_request(version, self._password.reveal()))
        if "RebootRequired" in str(answer):  # till then it comes with the other, and only this run lets it in
            answer = await self._csms.call("Reset", {"type": "Hard" if version == "1.6" else "Immediate"})
        return _status(answer)

    async def _leave_slot(self, what: str) -> str:
        """What was in a slot can't be read; one that no connection is made by does no harm."""
        where = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "NetworkConfigurationPriority"}}
        answer = await self._csms.call("GetVariables", {"getVariableData": [where]})
        [priority] = changes.values_read(answer).values() or [None]
        if priority is not None and what.removeprefix(SLOT) not in [each.strip() for each in priority.split(",")]:
            return ""
        return "what was there can't be read, and the station connects by it: set it as it should be"

    async def _next_list(self, request: Request) -> Request:
        answer = await self._csms.call("GetLocalListVersion", {})
        version = answer.get("versionNumber", answer.get("listVersion"))
        action, payload = request
        number = "listVersion" if "listVersion" in payload else "versionNumber"
        return action, {**payload, number: (version if isinstance(version, int) and version > 0 else 0) + 1}


def is_commissioned(what: str) -> bool:
    """Whether an installer sets up what a change is about."""
    return certificates.is_certificate(what) or what.casefold().endswith(_COMMISSIONED)


_COMMISSIONED = ("networkconfigurationpriority", "securityprofile")
_WRITES = ("SetVariables", "ChangeConfiguration")
_DONE = ("Accepted", "RebootRequired", "Scheduled", "Unknown", "NotFound")
"""What a station says that does as it is asked, or will; or that has no such profile or monitor any more."""
_RESULTS = {"setVariableResult": "attributeStatus", "setMonitoringResult": "status", "clearMonitoringResult": "status"}
_NO_INSTALLER = "the one of before can't be given back over OCPP: install it at the station itself"
_ROOTS = ("InstallCertificate", "DeleteCertificate")
_MONITORS = ("SetVariableMonitoring", "ClearVariableMonitoring", "SetMonitoringBase")


def _asking(request: Request) -> Request:
    """The request that reads what another writes."""
    action, payload = request
    if action == "ChangeConfiguration":
        return "GetConfiguration", {"key": [payload["key"]]}
    items = payload["setVariableData"]
    asked = [{name: part for name, part in item.items() if name != "attributeValue"} for item in items]
    return "GetVariables", {"getVariableData": asked}


def _status(answer: Mapping[str, Any]) -> str:
    found = answer.get("status")
    for name, field in _RESULTS.items():
        results = answer.get(name)
        if isinstance(results, list) and results and isinstance(results[0], dict):
            found = results[0].get(field)
    return "" if found in _DONE else f"the station answered {found}"
