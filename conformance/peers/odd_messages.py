"""Messages that are not in order, for the other end to find fault with, and what it may make of them."""

import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from conformance.cases.spec import Spec
from conformance.oracles import wire
from conformance.peers import v16, v201
from conformance.peers.peer import Peer
from conformance.peers.received import NoAnswer, NotSeen
from conformance.peers.station import StationPeer
from conformance.sut.profile import SutProfile
from conformance.wire.frames import UNREADABLE_ID, Call, CallError, CallResult
from conformance.wire.link import Link
from conformance.wire.schemas import VERSIONS
from conformance.wire.transcript import Entry

Request: TypeAlias = tuple[str, Any]
"""An action and what stands for its payload."""


@dataclass(frozen=True, slots=True)
class Requests:
    """What one end can be asked in one version, by what is odd about it in words.

    `plain` is in order, and served by everyone. `unknown` are actions that the version does not have, `unoffered` those
    that only the other end serves, `rare` are in order but not served by everyone. The payloads of `bad` have faults
    that are named as such (Part 4 4.1.7), those of `doubtful` only break the schema.
    """

    plain: Request
    unknown: Mapping[str, Request]
    unoffered: Mapping[str, Request]
    rare: Mapping[str, Request]
    bad: Mapping[str, Request]
    doubtful: Mapping[str, Request]


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes by which one version refuses: what it does not know, what has a bad payload, what is of no type.

    `foreign` are those for an action of the other version, `no_object` for a payload that is not even an object.
    `ignores_types` says that a message of an unknown type is rightly left without an answer.
    """

    unknown: frozenset[str]
    foreign: frozenset[str]
    unoffered: frozenset[str]
    payload: frozenset[str]
    no_object: frozenset[str]
    unknown_type: frozenset[str]
    no_type: frozenset[str]
    ignores_types: bool


_MADE_UP: Request = ("MakeCoffee", {"cups": 1})
_MADE_UP_KEY = "that OCPP does not have"
_OTHER_CASE = "with its action in lower case"
_FOREIGN = "of another version"
_NO_FIELD = "with a field that does not exist"
_NO_OBJECT = "with an array for a payload"


def requests_to(profile: SutProfile) -> Requests:
    """What the system under test can be asked, in order and not."""
    return _REQUESTS[profile.role, profile.version]()


def _station_201() -> Requests:
    item = v201.variable("OCPPCommCtrlr", "HeartbeatInterval")
    return Requests(
        plain=("GetVariables", v201.get_variables(item)),
        unknown={
            _MADE_UP_KEY: _MADE_UP,
            _OTHER_CASE: ("getvariables", v201.get_variables(item)),
            _FOREIGN: ("GetConfiguration", {"key": ["HeartbeatInterval"]}),
        },
        unoffered={"that only a station sends": ("Heartbeat", {})},
        rare={"that not everyone serves": ("GetLocalListVersion", {})},
        bad={
            "without a required field": ("GetVariables", {}),
            "with a field of the wrong type": ("GetVariables", {"getVariableData": "HeartbeatInterval"}),
        },
        doubtful={
            "with an empty list": ("GetVariables", {"getVariableData": []}),
            "with a text that is too long": (
                "GetVariables",
                {"getVariableData": [{**item, "variable": {"name": "x" * 51}}]},
            ),
            "with a value outside of its enumeration": (
                "GetVariables",
                {"getVariableData": [{**item, "attributeType": "Imaginary"}]},
            ),
            _NO_FIELD: ("GetVariables", {"getVariableData": [item], "cups": 1}),
            _NO_OBJECT: ("GetVariables", []),
        },
    )


def _station_16() -> Requests:
    keys = ["HeartbeatInterval"]
    return Requests(
        plain=("GetConfiguration", {"key": keys}),
        unknown={
            _MADE_UP_KEY: _MADE_UP,
            _OTHER_CASE: ("getconfiguration", {"key": keys}),
            _FOREIGN: ("GetVariables", v201.get_variables(v201.variable("OCPPCommCtrlr", "HeartbeatInterval"))),
        },
        unoffered={"that only a charge point sends": ("Heartbeat", {})},
        rare={"that not everyone serves": ("GetLocalListVersion", {})},
        bad={
            "without required fields": ("ChangeConfiguration", {}),
            "with a field of the wrong type": ("GetConfiguration", {"key": "HeartbeatInterval"}),
        },
        doubtful={
            "with a text that is too long": ("GetConfiguration", {"key": ["x" * 51]}),
            "with a value outside of its enumeration": (
                "ChangeAvailability",
                {"connectorId": _NOWHERE, "type": "Imaginary"},
            ),
            _NO_FIELD: ("GetConfiguration", {"key": keys, "cups": 1}),
            _NO_OBJECT: ("GetConfiguration", []),
        },
    )


def _csms_201() -> Requests:
    status = v201.status_notification(1, 1, "Available")
    transaction = {"connectorId": 1, "idTag": "04E91C5A2B6C80", "meterStart": 0, "timestamp": v201.now()}
    return Requests(
        plain=("Heartbeat", {}),
        unknown={
            _MADE_UP_KEY: _MADE_UP,
            _OTHER_CASE: ("heartbeat", {}),
            _FOREIGN: ("StartTransaction", transaction),
        },
        unoffered={"that only a CSMS sends": ("Reset", {"type": "OnIdle"})},
        rare={"that not everyone serves": ("PublishFirmwareStatusNotification", {"status": "Idle", "requestId": 1})},
        bad={
            "without a required field": ("StatusNotification", _without(status, "connectorStatus")),
            "with a field of the wrong type": ("StatusNotification", {**status, "connectorId": "1"}),
        },
        doubtful={
            "with a text that is too long": ("DataTransfer", {"vendorId": "x" * 256}),
            "with a value outside of its enumeration": (
                "StatusNotification",
                {**status, "connectorStatus": "Charging"},
            ),
            _NO_FIELD: ("Heartbeat", {"cups": 1}),
            _NO_OBJECT: ("Heartbeat", []),
        },
    )


def _csms_16() -> Requests:
    status = v16.status_notification(1, "Available")
    report = {"requestId": 1, "generatedAt": v201.now(), "seqNo": 0}
    return Requests(
        plain=("Heartbeat", {}),
        unknown={_MADE_UP_KEY: _MADE_UP, _OTHER_CASE: ("heartbeat", {}), _FOREIGN: ("NotifyReport", report)},
        unoffered={"that only a central system sends": ("Reset", {"type": "Soft"})},
        rare={"that not everyone serves": ("LogStatusNotification", {"status": "Idle"})},
        bad={
            "without a required field": ("StatusNotification", _without(status, "errorCode")),
            "with a field of the wrong type": ("StatusNotification", {**status, "connectorId": "1"}),
        },
        doubtful={
            "with a text that is too long": ("DataTransfer", {"vendorId": "x" * 256}),
            "with a value outside of its enumeration": ("StatusNotification", {**status, "status": "Occupied"}),
            _NO_FIELD: ("Heartbeat", {"cups": 1}),
            _NO_OBJECT: ("Heartbeat", []),
        },
    )


def _without(payload: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in payload.items() if key != name}


_NOWHERE = 999
"""A connector that no station has: should one take the request after all, it changes nothing."""

_REQUESTS: Mapping[tuple[str, str], Callable[[], Requests]] = {
    ("station", "2.0.1"): _station_201,
    ("station", "1.6"): _station_16,
    ("csms", "2.0.1"): _csms_201,
    ("csms", "1.6"): _csms_16,
}

_NOT_KNOWN = frozenset({"NotImplemented"})
_NOT_SERVED = frozenset({"NotImplemented", "NotSupported"})
_PAYLOAD_201 = frozenset(
    {
        "FormatViolation",
        "OccurrenceConstraintViolation",
        "PropertyConstraintViolation",
        "ProtocolError",
        "TypeConstraintViolation",
    }
)
_PAYLOAD_16 = _PAYLOAD_201 | {"FormationViolation", "OccurenceConstraintViolation"}
_ANY_16 = VERSIONS["1.6"].error_codes | VERSIONS["1.6"].error_code_variants

CODES: Mapping[str, Codes] = {
    "2.0.1": Codes(
        unknown=_NOT_KNOWN,
        foreign=_NOT_SERVED,
        unoffered=_NOT_SERVED,
        payload=_PAYLOAD_201,
        no_object=_PAYLOAD_201 | {"RpcFrameworkError"},
        unknown_type=frozenset({"MessageTypeNotSupported"}),
        no_type=frozenset({"FormatViolation", "MessageTypeNotSupported", "RpcFrameworkError"}),
        ignores_types=False,
    ),
    "1.6": Codes(
        unknown=_NOT_KNOWN,
        foreign=_NOT_SERVED,
        unoffered=_NOT_SERVED,
        payload=_PAYLOAD_16,
        no_object=_PAYLOAD_16,
        unknown_type=_ANY_16,
        no_type=_ANY_16,
        ignores_types=True,
    ),
}
"""The codes that are right, by version. In 1.6 the corrected spellings are right here: how they are spelt is a rule of
its own (errata 5.1, 5.2)."""


def unknown_codes(codes: Codes, what: str) -> frozenset[str]:
    """The codes for a request of `Requests.unknown`: who speaks another version too may know its actions."""
    return codes.foreign if what == _FOREIGN else codes.unknown


def payload_codes(codes: Codes, what: str) -> frozenset[str]:
    """The codes for a request of `Requests.bad` or `.doubtful`."""
    return codes.no_object if what == _NO_OBJECT else codes.payload


def unreadable(plain: Request) -> dict[str, frozenset[str]]:
    """Texts that are no message, with the ids that a CALLERROR about each may have (Part 4 4.2.3)."""
    none, long_id, cut_id = frozenset({UNREADABLE_ID}), "x" * 40, str(uuid.uuid4())
    action, payload = plain
    return {
        "coffee": none,
        '{"coffee": "': none,
        "[2": none,
        json.dumps([2, cut_id, action, payload])[:-2]: none | {cut_id},
        "{}": none,
        "[]": none,
        "[2]": none,
        json.dumps([2, _NUMBER, action, payload]): none | {f"{_NUMBER}"},
        json.dumps([2, long_id, action, payload]): none | {long_id},
    }


_NUMBER = 4711


# -- saying it --------------------------------------------------------------------------------------------------------


class StaysAway(AssertionError):  # noqa: N818 -- what it is, not an error of ours
    """The system under test hung up over something odd, and there is no connection again."""


@dataclass(slots=True)
class Provoker:
    """Says odd things to the system under test, and keeps in mind over what it hung up."""

    peer: Peer
    away: StaysAway | None = None
    _links: list[Link] = field(default_factory=list)

    @property
    def hung_up(self) -> list[Entry]:
        """The ends of the connections that it used."""
        return [link.closed for link in self._links if link.closed is not None]

    async def ask(self, request: Request, *, within: float) -> Entry | None:
        """Make a request, in order or not, and return what is answered, if anything is."""
        action, payload = request
        return await self.say(json.dumps([Call.message_type, str(uuid.uuid4()), action, payload]), within=within)

    async def say(self, text: str, *, within: float) -> Entry | None:
        """Send a text, whatever it is, and return what is answered; None if nothing is, or the connection goes."""
        return await self.send(lambda link: link.send(text), within=within)

    async def send(self, how: Callable[[Link], Entry], *, within: float) -> Entry | None:
        """The same, sent in any way that a link has.

        Where the connection goes and an earlier message may have been the cause, this one is sent again on the next.
        """
        before = self._links[-1:]
        link = await self.connected()
        answer = await self._send_on(link, how, within=within)
        if answer is not None or link.closed is None or before != [link]:
            return answer
        return await self.send(how, within=within)

    async def _send_on(self, link: Link, how: Callable[[Link], Entry], *, within: float) -> Entry | None:
        peer, sent = self.peer, how(link)
        with contextlib.suppress(NotSeen):
            await peer.until(
                lambda: _answer(peer, link, sent) is not None or link.closed is not None, "an answer", within=within
            )
        peer.touch(sent)
        return _answer(peer, link, sent)

    async def connected(self) -> Link:
        """The connection that there is; a station of the harness that was hung up on comes back.

        AssertionError where there is none, and StaysAway where there was one until something odd was said.
        """
        if self.away is not None:
            raise self.away
        try:
            link = await self._there_is()
        except AssertionError as missed:
            if not self.hung_up:
                raise
            self.away = StaysAway(str(missed))
            raise self.away from missed
        if link not in self._links:
            self._links.append(link)
        return link

    async def _there_is(self) -> Link:
        peer = self.peer
        await peer.until(
            lambda: peer.link is None or peer.link.is_open, "the end of the connection", within=peer.patience.answer
        )
        if peer.link is None and isinstance(peer, StationPeer):
            return await peer.come_back()
        return await peer.connected()


def _answer(peer: Peer, link: Link, sent: Entry) -> Entry | None:
    """The first answer on a link after an entry that belongs to it, or to nothing that was asked."""
    for entry in peer.transcript.entries[sent.n + 1 :]:
        if entry.sender != "sut" or entry.link != link.number or entry.frame is None:
            continue
        if entry.frame.message_type not in (CallResult.message_type, CallError.message_type):
            continue
        exchange = peer.transcript.exchange(entry)
        if exchange is None or exchange.call is sent:
            return entry
    return None


# -- judging it -------------------------------------------------------------------------------------------------------


def judge_refusal(  # noqa: PLR0913 -- by keyword
    peer: Peer, spec: Spec, answer: Entry | None, requirement: str, *, what: str, allowed: frozenset[str]
) -> None:
    """Judge that an odd request was refused (J.ANSWER.02), and with one of these codes (`requirement`)."""
    code = None if answer is None else wire.refusal_code(answer)
    with spec("J.ANSWER.02"):
        assert answer is not None, f"a request {what} got no answer"
        peer.touch(answer)
        assert code is not None, f"a request {what} was not refused, but answered {shown(answer)}"
    if answer is None or code is None:
        spec.excuse(requirement, f"a request {what} was not refused")
        return
    with spec(requirement):
        peer.touch(answer)
        assert code in allowed, (
            f"a request {what} was refused with {code}; expected any of {', '.join(sorted(allowed))}"
        )


def judge_not_served(peer: Peer, spec: Spec, answer: Entry | None, *, what: str) -> None:
    """Judge that a request with a fault that is named as one did not get a result (J.ANSWER.05)."""
    with spec("J.ANSWER.05"):
        if answer is not None:
            peer.touch(answer)
            assert wire.refusal_code(answer) is not None, f"a request {what} was answered {shown(answer)}"


@contextlib.asynccontextmanager
async def unharmed(provoker: Provoker, spec: Spec, profile: SutProfile) -> AsyncIterator[None]:
    """Say odd things as long as somebody listens, and judge in the end that they did no harm (`judge_unharmed`)."""
    with contextlib.suppress(StaysAway):
        yield
    await judge_unharmed(provoker, spec, profile)
    if provoker.away is not None:
        for requirement in set(spec.case.requirements) - spec.judged:
            spec.unproven(requirement, f"there was no connection again: {provoker.away}")


async def judge_unharmed(provoker: Provoker, spec: Spec, profile: SutProfile, *, may_hang_up: bool = False) -> None:
    """Judge that the system under test is of use after all that, and did not hang up over it.

    It has to answer (J.ANSWER.01); that it keeps the connection, unless it may hang up, is CSMS.CONN.01 for a CSMS,
    J.CONN.01 for a station, which may take its time to come back, and can't be asked until then.
    """
    peer = provoker.peer
    answer, missed = await _ask_again(provoker, profile)
    if not may_hang_up:
        with spec("CSMS.CONN.01" if profile.role == "csms" else "J.CONN.01"):
            peer.touch(*provoker.hung_up)
            assert not provoker.hung_up, "the connection was given up over it"
    if peer.link is None and profile.role == "station":
        spec.unproven("J.ANSWER.01", missed)
        return
    with spec("J.ANSWER.01"):
        assert answer is not None, missed
        peer.touch(answer)
        assert isinstance(answer.frame, CallResult), f"{requests_to(profile).plain[0]} was answered {shown(answer)}"


async def _ask_again(provoker: Provoker, profile: SutProfile) -> tuple[Entry | None, str]:
    """What a request that is in order is answered, on another connection where this one goes; else why nothing is."""
    missed = ""
    for _ in range(2):
        try:
            link = await provoker.connected()
        except AssertionError as gone:
            return None, f"there was no connection again: {gone}"
        try:
            return await provoker.peer.attempt(*requests_to(profile).plain), ""
        except NoAnswer as silence:
            missed = str(silence)
        if link.closed is None:
            break
    return None, missed


def shown(answer: Entry) -> str:
    """An answer, cut short where it is long."""
    return answer.text if len(answer.text) <= _SHOWN else f"{answer.text[:_SHOWN]}…"


_SHOWN = 200


def is_json(text: str) -> bool:
    """Whether a text is JSON."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
