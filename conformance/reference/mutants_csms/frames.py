"""Mutants of the wire: frames, ids, payloads, times, answers, refusals, handshakes, and odd messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from datetime import timedelta, timezone
from http import HTTPStatus
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response

from conformance.reference.csms import CsmsConfig, ReferenceCsms
from conformance.reference.csms.base import Link
from conformance.reference.csms.records import StationRecord
from conformance.reference.csms.rpc import Answer, Call, Payload, RpcError

CALL, CALL_RESULT, CALL_ERROR = 2, 3, 4
CALL_LENGTH = 4
LATE = 5.5
MANY = 500_000
GROUPS = {"idTagInfo": "parentIdTag", "idTokenInfo": "groupIdToken"}


def readable(raw: str | bytes) -> list[Any] | None:
    """Return the items of a message that has as many as a CALL."""
    with contextlib.suppress(ValueError):
        message = json.loads(raw)
        if isinstance(message, list) and len(message) == CALL_LENGTH:
            return message
    return None


class Spoils(ReferenceCsms):
    """Spoils some of its messages before they go out: the answers to Heartbeat, unless it says otherwise."""

    breaks: str | None = None
    also: tuple[str, ...] = ()

    async def transmit(self, link: Link, frame: str) -> None:
        """Spoil what is to be spoilt."""
        message = json.loads(frame)
        await super().transmit(link, self.spoil(message) if self.is_spoilt(message) else frame)

    def is_spoilt(self, message: list[Any]) -> bool:
        """Tell whether it is one of those."""
        return bool(message[0] == CALL_RESULT and list(message[2]) == ["currentTime"])

    def spoil(self, message: list[Any]) -> str:
        """Return the text that goes out instead."""
        raise NotImplementedError


class SpoilsCalls(Spoils):
    """Spoils its calls."""

    def is_spoilt(self, message: list[Any]) -> bool:
        """Take every call."""
        return bool(message[0] == CALL)


class SpoilsRefusals(Spoils):
    """Spoils its refusals."""

    def is_spoilt(self, message: list[Any]) -> bool:
        """Take every CALLERROR."""
        return bool(message[0] == CALL_ERROR)


class SpoilsTokens(Spoils):
    """Spoils what it says of tokens."""

    def is_spoilt(self, message: list[Any]) -> bool:
        """Take the answers to Authorize."""
        return message[0] == CALL_RESULT and any(name in message[2] for name in GROUPS)

    def spoil(self, message: list[Any]) -> str:
        """Spoil the part that is about the token."""
        for name, group in GROUPS.items():
            if name in message[2]:
                self.spoil_token(message[2][name], group)
        return json.dumps(message)

    def spoil_token(self, told: Payload, group: str) -> None:
        """Change what is told; `group` is the optional field for the token's group."""
        raise NotImplementedError


# -- frames


class ResultWithExtraItem(Spoils):
    """Adds a fourth item to a CALLRESULT."""

    breaks = "J.FRAME.01"

    def spoil(self, message: list[Any]) -> str:
        """Append one."""
        return json.dumps([*message, "extra"])


class PayloadAsText(SpoilsCalls):
    """Encodes the payload of its calls twice, so that it is a string."""

    breaks = "J.FRAME.01"

    def spoil(self, message: list[Any]) -> str:
        """Encode it once more."""
        return json.dumps([*message[:3], json.dumps(message[3])])


class FrameCutShort(Spoils):
    """Leaves out the last bracket."""

    breaks = "J.FRAME.02"

    def spoil(self, message: list[Any]) -> str:
        """Cut it off."""
        return json.dumps(message)[:-1]


class MessageTypeAsText(Spoils):
    """Writes the message type as a string."""

    breaks = "J.FRAME.03"

    def spoil(self, message: list[Any]) -> str:
        """Put it in quotes."""
        return json.dumps([str(message[0]), *message[1:]])


class NullPayload(Spoils):
    """Sends null where a payload is empty."""

    breaks = "J.FRAME.04"

    def is_spoilt(self, message: list[Any]) -> bool:
        """Take what has nothing to tell."""
        return message[0] == CALL_RESULT and not message[2]

    def spoil(self, message: list[Any]) -> str:
        """Drop the braces."""
        return json.dumps([*message[:2], None])


class BinaryFrames(Spoils):
    """Sends binary frames."""

    breaks = "J.FRAME.06"

    def spoil(self, message: list[Any]) -> str:
        """Encode it; the WebSocket takes bytes for a binary frame."""
        return cast("str", json.dumps(message).encode())


# -- message ids


class MessageIdTooLong(ReferenceCsms):
    """Gives its calls ids of 40 characters."""

    breaks = "J.ID.01"

    def new_message_id(self) -> str:
        """Add some."""
        return super().new_message_id() + "-own"


class MessageIdEmpty(ReferenceCsms):
    """Leaves its message ids empty."""

    breaks = "J.ID.05"

    def new_message_id(self) -> str:
        """Leave it out."""
        return ""


class MessageIdAlwaysTheSame(ReferenceCsms):
    """Has one message id for all its calls."""

    breaks = "J.ID.02"

    def new_message_id(self) -> str:
        """Take the one."""
        return "1"


class AnswersWithOwnId(Spoils):
    """Answers with an id that nobody has used."""

    breaks = "J.ID.03"

    def spoil(self, message: list[Any]) -> str:
        """Make up another one."""
        return json.dumps([message[0], str(uuid.uuid4()), *message[2:]])


# -- payloads and actions


class FieldOfItsOwn(Spoils):
    """Adds a field that the schema doesn't have."""

    breaks = "J.SCHEMA.01"

    def spoil(self, message: list[Any]) -> str:
        """Add it."""
        message[2]["mood"] = "good"
        return json.dumps(message)


class TokensWithANumber(SpoilsTokens):
    """Adds a field of its own to what it says of a token."""

    breaks = "16J.SCHEMA.02"
    versions = ("1.6",)

    def spoil_token(self, told: Payload, group: str) -> None:  # noqa: ARG002
        """Number it."""
        told["number"] = 1


class NullForNothing(SpoilsTokens):
    """Writes null for an optional field that it leaves empty."""

    breaks = "J.FRAME.05"

    def spoil_token(self, told: Payload, group: str) -> None:
        """Belong to no group."""
        told[group] = None


class ActionWithSuffix(SpoilsCalls):
    """Writes the name of the message for the action."""

    breaks = "J.ACTION.01"

    def spoil(self, message: list[Any]) -> str:
        """Append what has no place there."""
        return json.dumps([*message[:2], f"{message[2]}Request", message[3]])


class ActionInOtherCase(SpoilsCalls):
    """Writes the action with a small letter."""

    breaks = "J.ACTION.01"

    def spoil(self, message: list[Any]) -> str:
        """Begin small."""
        return json.dumps([*message[:2], message[2][0].lower() + message[2][1:], message[3]])


class ActionUnheardOf(SpoilsCalls):
    """Sends a message of its own."""

    breaks = "J.ACTION.02"

    def spoil(self, message: list[Any]) -> str:
        """Call it something else."""
        return json.dumps([*message[:2], "TellSettings", message[3]])


# -- times


class LocalTimeWithoutOffset(ReferenceCsms):
    """Gives the time of its own zone, without saying how far that is from UTC."""

    breaks = "16J.TIME.06"
    also = ("BOOT.TIME.01", "G02.FR.03")

    def stamp(self) -> str:
        """Write what the clock on the wall shows."""
        return self.now().astimezone(timezone(timedelta(hours=2))).strftime("%Y-%m-%dT%H:%M:%S")


class TimeAsCounted(Spoils):
    """Writes the time in seconds since 1970."""

    breaks = "16J.TIME.01"

    def spoil(self, message: list[Any]) -> str:
        """Count."""
        message[2]["currentTime"] = f"{self.now().timestamp():.0f}"
        return json.dumps(message)


class TimeInMicroseconds(Spoils):
    """Writes the time with six decimals."""

    breaks = "J.TIME.02"

    def spoil(self, message: list[Any]) -> str:
        """Tell it all."""
        message[2]["currentTime"] = self.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return json.dumps(message)


class TimeOfAnotherZone(Spoils):
    """Writes the time of the zone where it stands."""

    breaks = "J.TIME.04"

    def spoil(self, message: list[Any]) -> str:
        """Stand in Athens, and say so."""
        there = self.now().astimezone(timezone(timedelta(hours=2)))
        message[2]["currentTime"] = there.strftime("%Y-%m-%dT%H:%M:%S+02:00")
        return json.dumps(message)


# -- answers


class HeartbeatsRefused(ReferenceCsms):
    """Finds fault with every Heartbeat, and with nothing in it."""

    breaks = "J.ANSWER.01"
    also = ("J.ERROR.05",)

    def on_heartbeat(self, _station: StationRecord, _request: Payload) -> Payload:
        """Give up."""
        raise RpcError("GenericError", "out of order")


class HeartbeatsUnanswered(Spoils):
    """Never answers a Heartbeat."""

    breaks = "J.ANSWER.01"

    async def transmit(self, link: Link, frame: str) -> None:
        """Keep the answer back."""
        if not self.is_spoilt(json.loads(frame)):
            await super().transmit(link, frame)


class AnswersLate(Spoils):
    """Answers a Heartbeat after more than five seconds."""

    breaks = "J.ANSWER.04"

    async def transmit(self, link: Link, frame: str) -> None:
        """Keep the answer back for a while."""
        if self.is_spoilt(json.loads(frame)):
            await asyncio.sleep(LATE)
        await ReferenceCsms.transmit(self, link, frame)


class AnswersTwice(Spoils):
    """Sends some results twice."""

    breaks = "J.ANSWER.03"

    async def transmit(self, link: Link, frame: str) -> None:
        """Repeat it."""
        await ReferenceCsms.transmit(self, link, frame)
        if self.is_spoilt(json.loads(frame)):
            await ReferenceCsms.transmit(self, link, frame)


class AnswersAnswers(ReferenceCsms):
    """Refuses an answer to what it did not ask."""

    breaks = "J.ANSWER.03"

    def settle(self, link: Link, answer: Answer) -> None:
        """Complain."""
        if answer.message_id not in link.open:
            complaint = [CALL_ERROR, answer.message_id, "GenericError", "not asked for", {}]
            self.tasks.start(self.transmit(link, json.dumps(complaint)))
        super().settle(link, answer)


# -- refusals


class RefusesInSilence(ReferenceCsms):
    """Drops whatever it would have to refuse."""

    breaks = "J.ANSWER.02"

    async def transmit(self, link: Link, frame: str) -> None:
        """Keep refusals back."""
        if not frame.startswith("[4,"):
            await super().transmit(link, frame)


class RefusesNothing(ReferenceCsms):
    """Answers whatever it can't understand with an empty result."""

    breaks = "J.ANSWER.05"
    also = ("J.ANSWER.02",)

    def answer(self, link: Link, call: Call) -> Payload:
        """Pretend that all is well."""
        try:
            return super().answer(link, call)
        except RpcError:
            return {}


class ServesDoubtfulPayloads(ReferenceCsms):
    """Looks only for what is missing or of the wrong type in a payload."""

    breaks = "J.ANSWER.02"

    def answer(self, link: Link, call: Call) -> Payload:
        """Pretend that the rest is well."""
        try:
            return super().answer(link, call)
        except RpcError as error:
            if error.code in ("PropertyConstraintViolation", "FormatViolation"):
                return {}
            raise


class ServesWithoutAnId(ReferenceCsms):
    """Takes a number for a message id."""

    breaks = "J.ANSWER.02"

    async def receive(self, link: Link, raw: str | bytes) -> None:
        """Make a string of it."""
        message = readable(raw)
        if message is not None and isinstance(message[1], int):
            raw = json.dumps([message[0], str(message[1]), *message[2:]])
        await super().receive(link, raw)


class ServesUnknownTypes(ReferenceCsms):
    """Takes every message of four items for a request."""

    breaks = "J.ERROR.06"

    async def receive(self, link: Link, raw: str | bytes) -> None:
        """Make it one."""
        message = readable(raw)
        await super().receive(link, raw if message is None else json.dumps([CALL, *message[1:]]))


class UnknownTypeNotImplemented(SpoilsRefusals):
    """Takes an unknown message type for an unknown action."""

    breaks = "J.ERROR.06"
    versions = ("2.0.1",)

    def spoil(self, message: list[Any]) -> str:
        """Name the wrong thing."""
        message[2] = "NotImplemented" if message[2] == "MessageTypeNotSupported" else message[2]
        return json.dumps(message)


class UnknownActionNotSupported(ReferenceCsms):
    """Calls an unknown action one that is known but not supported."""

    breaks = "J.ERROR.02"

    def unknown_action(self, call: Call) -> RpcError:
        """Mix them up."""
        return self.unsupported_action(call)


class UnofferedActionInternalError(ReferenceCsms):
    """Stumbles over an action that it doesn't offer."""

    breaks = "J.ERROR.03"

    def unsupported_action(self, call: Call) -> RpcError:  # noqa: ARG002
        """Break down."""
        return RpcError("InternalError", "no handler")


class BadPayloadInternalError(ReferenceCsms):
    """Stumbles over a bad payload."""

    breaks = "J.ERROR.05"

    def check_call(self, link: Link, call: Call) -> None:
        """Break down."""
        try:
            super().check_call(link, call)
        except RpcError as error:
            if error.code.endswith("Violation"):
                raise RpcError("InternalError", "no such field") from error
            raise


class StumblesOverNull(ReferenceCsms):
    """Breaks down where null stands for a payload."""

    breaks = "J.ERROR.05"

    async def receive(self, link: Link, raw: str | bytes) -> None:
        """Say no more than that."""
        message = readable(raw)
        if message is not None and message[3] is None:
            await self.transmit(link, json.dumps([CALL_ERROR, message[1], "InternalError", "null pointer", {}]))
        else:
            await super().receive(link, raw)


class ErrorCodeMadeUp(SpoilsRefusals):
    """Refuses with a code that OCPP doesn't have."""

    breaks = "J.ERROR.01"

    def spoil(self, message: list[Any]) -> str:
        """Put it in other words."""
        message[2] = "BadRequest"
        return json.dumps(message)


class ErrorCodeOfOldVersion(SpoilsRefusals):
    """Spells the error codes as OCPP 1.6 does."""

    breaks = "J.ERROR.01"
    versions = ("2.0.1",)

    def spoil(self, message: list[Any]) -> str:
        """Lose a letter, or gain two."""
        old = {"OccurrenceConstraintViolation": "OccurenceConstraintViolation", "FormatViolation": "FormationViolation"}
        message[2] = old.get(message[2], message[2])
        return json.dumps(message)


class ErrorCodeSpeltRight(SpoilsRefusals):
    """Spells the error codes without the mistakes of OCPP 1.6."""

    breaks = "16J.ERROR.09"
    versions = ("1.6",)

    def spoil(self, message: list[Any]) -> str:
        """Gain a letter, or lose two."""
        new = {"OccurenceConstraintViolation": "OccurrenceConstraintViolation", "FormationViolation": "FormatViolation"}
        message[2] = new.get(message[2], message[2])
        return json.dumps(message)


class ErrorDescriptionTooLong(SpoilsRefusals):
    """Describes errors at length, for which only OCPP 2.0.1 has a limit."""

    breaks = "J.ERROR.04"
    versions = ("2.0.1",)

    def spoil(self, message: list[Any]) -> str:
        """Say it in 300 characters."""
        message[3] = message[3].ljust(300, ".")
        return json.dumps(message)


class ErrorDetailsAsText(SpoilsRefusals):
    """Writes the details of an error as a string."""

    breaks = "J.ERROR.04"

    def spoil(self, message: list[Any]) -> str:
        """Encode them."""
        message[4] = json.dumps(message[4])
        return json.dumps(message)


class InventsIdForUnreadable(SpoilsRefusals):
    """Makes up an id where it could read none."""

    breaks = "J.ID.04"

    def spoil(self, message: list[Any]) -> str:
        """Take another one for -1."""
        message[1] = str(uuid.uuid4()) if message[1] == "-1" else message[1]
        return json.dumps(message)


class RepeatsBrokenJson(SpoilsRefusals):
    """Quotes broken JSON as it is, and breaks its own message by it."""

    breaks = "J.ERROR.07"

    def spoil(self, message: list[Any]) -> str:
        """Quote."""
        if message[1] != "-1":
            return json.dumps(message)
        return '[4,"-1","RpcFrameworkError","not JSON: {"coffee": "",{}]'


class CustomDataRefused(ReferenceCsms):
    """Finds fault with customData."""

    breaks = "J.ANSWER.01"
    versions = ("2.0.1",)

    def check_call(self, link: Link, call: Call) -> None:
        """Take it for a mistake."""
        if call.action == "Heartbeat" and call.payload:
            raise RpcError("FormatViolation", "customData is not known")
        super().check_call(link, call)


# -- hanging up, and falling silent


class HangsUpWhenPuzzled(ReferenceCsms):
    """Drops the connection instead of refusing something."""

    breaks = "CSMS.CONN.01"
    also = ("J.ANSWER.02",)

    async def transmit(self, link: Link, frame: str) -> None:
        """Hang up."""
        if frame.startswith("[4,"):
            link.connection.transport.abort()
        else:
            await super().transmit(link, frame)


class HangsUpAfterRefusing(ReferenceCsms):
    """Drops the connection after it had to refuse something."""

    breaks = "CSMS.CONN.01"

    async def transmit(self, link: Link, frame: str) -> None:
        """Hang up."""
        await super().transmit(link, frame)
        if frame.startswith("[4,"):
            self.tasks.start(link.connection.close(1002, "that was no OCPP"))


class HangsUpOnStrayAnswers(ReferenceCsms):
    """Drops the connection over an answer to what it did not ask."""

    breaks = "CSMS.CONN.01"

    def settle(self, link: Link, answer: Answer) -> None:
        """Take offence."""
        if answer.message_id not in link.open:
            link.connection.transport.abort()
        super().settle(link, answer)


class HangsUpOnNull(ReferenceCsms):
    """Drops the connection where null stands for a payload."""

    breaks = "CSMS.CONN.01"

    async def receive(self, link: Link, raw: str | bytes) -> None:
        """Break down."""
        message = readable(raw)
        if message is not None and message[3] is None:
            link.connection.transport.abort()
        else:
            await super().receive(link, raw)


class HangsUpOnCustomData(ReferenceCsms):
    """Drops the connection over customData."""

    breaks = "CSMS.CONN.01"
    also = ("J.ANSWER.01",)
    versions = ("2.0.1",)

    async def receive(self, link: Link, raw: str | bytes) -> None:
        """Break down."""
        if '"customData"' in str(raw):
            link.connection.transport.abort()
        else:
            await super().receive(link, raw)


class HangsUpOnPings(ReferenceCsms):
    """Drops the connection when it is pinged."""

    breaks = "CSMS.CONN.01"
    also = ("J.ANSWER.01", "J.PING.04")

    async def serve_connection(self, connection: ServerConnection) -> None:
        """Hang up in place of a pong."""
        protocol, send = connection.protocol, connection.protocol.send_frame

        def send_frame(frame: Frame) -> None:
            if frame.opcode is Opcode.PONG:
                connection.transport.abort()
            else:
                send(frame)

        setattr(protocol, "send_frame", send_frame)  # noqa: B010 -- a method, which may not be assigned to
        await super().serve_connection(connection)


class MuteWhenPuzzled(ReferenceCsms):
    """Answers nothing any more once it had to refuse something."""

    breaks = "J.ANSWER.01"

    def __init__(self, config: CsmsConfig | None = None) -> None:
        """Begin in good order."""
        super().__init__(config)
        self._puzzled = False

    async def transmit(self, link: Link, frame: str) -> None:
        """Keep results back after the first refusal."""
        self._puzzled = self._puzzled or frame.startswith("[4,")
        if not (self._puzzled and frame.startswith("[3,")):
            await super().transmit(link, frame)


class PanicsOverLargeMessages(ReferenceCsms):
    """Drops every connection over a message that is very large."""

    breaks = "CSMS.CONN.04"

    async def receive(self, link: Link, raw: str | bytes) -> None:
        """Panic."""
        if len(raw) > MANY:
            for each in list(self.links.values()):
                each.connection.transport.abort()
        else:
            await super().receive(link, raw)


# -- handshakes


class NoCompression(ReferenceCsms):
    """Does not know how to compress."""

    breaks = "J.COMPRESS.01"

    def serve_options(self) -> dict[str, Any]:
        """Switch it off."""
        return super().serve_options() | {"compression": None}


class CompressesUnasked(ReferenceCsms):
    """Agrees to compression with those who did not offer it."""

    breaks = "J.CONN.02"

    def serve_options(self) -> dict[str, Any]:
        """Have the last word in the answer to the upgrade."""
        return super().serve_options() | {"process_response": self.agree}

    def agree(self, _connection: ServerConnection, _request: Request, response: Response) -> None:
        """Agree to it."""
        if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            response.headers.setdefault("Sec-WebSocket-Extensions", "permessage-deflate")
