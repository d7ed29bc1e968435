"""Fetching the device model: base reports as they really come, whole or not, and what they show."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

from conformance.oracles.device_model import DeviceModel, Variable, key_of, read
from conformance.oracles.inventory import Claimed, gaps
from conformance.peers.peer import Peer
from conformance.peers.received import NotSeen, Received
from conformance.peers.v201 import get_variables
from conformance.sut.profile import SutProfile

_FIRST_ID = 700_000
_request_ids = count(_FIRST_ID)
_READ_AT_ONCE = 20
_BYTES_PER_ITEM = 400


@dataclass(frozen=True)
class BaseReport:
    """The answer to GetBaseReport or GetReport and the NotifyReports that came of it.

    `broken_off` says why there are no more parts though more should have come; empty where the last one said so.
    """

    base: str
    request_id: int
    answer: Received
    parts: tuple[Received, ...] = ()
    broken_off: str = ""

    @property
    def status(self) -> str:
        """What the station answered."""
        return str(self.answer["status"])

    @property
    def numbers(self) -> list[int]:
        """The number that each part bears, in the order in which they came."""
        return [part["seqNo"] for part in self.parts]

    @property
    def hint(self) -> str:
        """Why what was reported may not be all, for messages; empty where the report is whole."""
        return self.broken_off or gaps([part.get("seqNo", -1) for part in self.parts])

    @cached_property
    def model(self) -> DeviceModel:
        """What the report shows."""
        return read(item for part in self.parts for item in _list(part.get("reportData")))


async def ask_for_base_report(csms: Peer, base: str, *, pause: float) -> BaseReport:
    """Ask for a base report; a station that is busy (Rejected, B07.FR.13) is asked again after `pause` seconds.

    It is asked for as long as a part of a report may take. Raises Refused and NoAnswer.
    """
    return await _ask(csms, "GetBaseReport", {"reportBase": base}, called=base, pause=pause)


async def ask_for_report(
    csms: Peer, *, criteria: Sequence[str] = (), variables: Sequence[Mapping[str, Any]] = (), pause: float
) -> BaseReport:
    """Ask for a report of the components that meet a criterion, of these components and variables, or of both.

    A station that is busy (Rejected, B08.FR.16) is asked again as for a base report. Raises Refused and NoAnswer.
    """
    request: dict[str, Any] = {}
    if criteria:
        request["componentCriteria"] = list(criteria)
    if variables:
        request["componentVariable"] = [dict(each) for each in variables]
    return await _ask(csms, "GetReport", request, called=" or ".join(criteria) or "the list", pause=pause)


async def _ask(csms: Peer, action: str, request: Mapping[str, Any], *, called: str, pause: float) -> BaseReport:
    patience = csms.patience.for_action("NotifyReport")
    for _ in range(1 + int(patience / max(pause, 1.0))):
        number = next(_request_ids)
        answer = await csms.call(action, {"requestId": number, **request})
        if answer.get("status") != "Rejected":
            break
        with suppress(NotSeen):
            await csms.until(lambda: False, "a station that is busy", within=max(pause, 1.0))
    return BaseReport(called, number, answer)


async def collect(csms: Peer, report: BaseReport, *, after: int, linger: float = 0.0) -> BaseReport:
    """Wait for the parts of an accepted report that came after entry `after`: at most `report` seconds for each.

    Whatever reports come that were not asked for earlier are taken to be parts of this one. For `linger` seconds more
    are looked for after the one that says to be the last.
    """
    parts: list[Received] = []
    while True:
        more = not parts or parts[-1].get("tbc") is True
        within = csms.patience.for_action("NotifyReport") if more else linger
        last = parts[-1] if parts else after
        try:
            part = await csms.expect("NotifyReport", after=last, where=report_of(report.request_id), within=within)
        except NotSeen as missing:
            begun = f"the report broke off after {len(parts)} of its parts" if parts else "no report came"
            reason = f"{begun}: {missing}" if more else ""
            return BaseReport(report.base, report.request_id, report.answer, tuple(parts), reason)
        parts.append(part)


class report_of:  # noqa: N801 -- reads as a condition
    """Picks the parts of one report: those that bear its id, and those that bear none that was asked for before."""

    def __init__(self, request_id: int) -> None:
        self._id = request_id

    def __call__(self, part: Received) -> bool:
        """Whether this is a part of the report."""
        given = part.get("requestId")
        return given == self._id or not (isinstance(given, int) and _FIRST_ID <= given < self._id)


async def fetch(csms: Peer, base: str, *, pause: float, linger: float = 0.0) -> BaseReport:
    """Ask for a base report and collect it, even if it breaks off.

    Raises AssertionError where it is not accepted, or where nothing at all comes of it.
    """
    mark = csms.now
    asked = await ask_for_base_report(csms, base, pause=pause)
    assert asked.status == "Accepted", f"GetBaseReport {base} was answered {asked.status}"
    report = await collect(csms, asked, after=mark, linger=linger)
    assert report.parts, f"GetBaseReport {base} was accepted, and {report.broken_off}"
    csms.touch(report.answer, *report.parts)
    return report


def claimed(profile: SutProfile) -> Claimed:
    """What a profile says of the station's shape."""
    return Claimed(
        claims=profile.claims_map(),
        connectors={(evse.id, each.id): each.type for evse in profile.evse for each in evse.connector},
        power={evse.id: evse.max_power_w for evse in profile.evse},
        identity=profile.identity,
    )


async def read_all(csms: Peer, variables: Sequence[Variable], *, at_once: int) -> dict[int, dict[str, Any]]:
    """Read variables, `at_once` of them with each GetVariables; the result of each by its place in `variables`.

    What gets no result is left out. Raises Refused and NoAnswer.
    """
    found: dict[int, dict[str, Any]] = {}
    for first in range(0, len(variables), at_once):
        batch = variables[first : first + at_once]
        places = {variable.key: first + number for number, variable in enumerate(batch)}
        answer = await csms.call("GetVariables", get_variables(*(dict(each.payload) for each in batch)))
        for result in answer["getVariableResult"]:
            place = places.get(key_of(result["component"], result["variable"]))
            if place is not None:
                found[place] = result
    return found


def items_per_message(model: DeviceModel, action: str) -> int:
    """How many items a request may hold, by what the station says of items and bytes: 20 at most, else one."""
    items = stated_limit(model, "ItemsPerMessage", action)
    size = stated_limit(model, "BytesPerMessage", action)
    room = _READ_AT_ONCE if size is None else size // _BYTES_PER_ITEM
    return 1 if items is None else max(1, min(items, room, _READ_AT_ONCE))


def stated_limit(model: DeviceModel, name: str, action: str) -> int | None:
    """What the station says of ItemsPerMessage or BytesPerMessage of an action, None where it does not say."""
    variable = model.find("DeviceDataCtrlr", name, action)
    value = (variable.value or "") if variable else ""
    return int(value) if value.isdecimal() else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
