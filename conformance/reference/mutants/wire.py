"""Mutants of the wire: frames, ids, payloads, times, answers, refusals and handshakes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake
from websockets.typing import Subprotocol

from conformance.reference.station import ReferenceStation
from conformance.reference.station.rpc import RpcError, known_actions

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.rpc import Call, Payload

CALL, CALL_RESULT, CALL_ERROR = 2, 3, 4


class _Spoils(ReferenceStation):
    """Spoils its calls of one action, or its refusals, before they go out."""

    spoilt: str | int = "StatusNotification"

    async def transmit(self, frame: str) -> None:
        """Spoil what is to be spoilt."""
        message = json.loads(frame)
        if self.spoilt in (message[0], message[2] if message[0] == CALL else None):
            frame = self.spoil(message)
        await super().transmit(frame)

    def spoil(self, message: list[Any]) -> str:
        """Return the text that goes out instead."""
        raise NotImplementedError


# -- frames


class FrameWithExtraItem(_Spoils):
    """Adds a fifth item to a CALL."""

    breaks = "J.FRAME.01"

    def spoil(self, message: list[Any]) -> str:
        """Append one."""
        return json.dumps([*message, "extra"])


class PayloadAsText(_Spoils):
    """Encodes the payload twice, so that it is a string."""

    breaks = "J.FRAME.01"

    def spoil(self, message: list[Any]) -> str:
        """Encode it once more."""
        return json.dumps([*message[:3], json.dumps(message[3])])


class FrameCutShort(_Spoils):
    """Leaves out the last bracket."""

    breaks = "J.FRAME.02"

    def spoil(self, message: list[Any]) -> str:
        """Cut it off."""
        return json.dumps(message)[:-1]


class MessageTypeAsText(_Spoils):
    """Writes the message type as a string."""

    breaks = "J.FRAME.03"

    def spoil(self, message: list[Any]) -> str:
        """Put it in quotes."""
        return json.dumps([str(message[0]), *message[1:]])


class NullPayload(_Spoils):
    """Sends null where a payload is empty."""

    breaks = "J.FRAME.04"
    spoilt = "Heartbeat"

    def after_acceptance(self) -> None:
        """Send a heartbeat at once."""
        super().after_acceptance()
        self.send("Heartbeat", {})

    def spoil(self, message: list[Any]) -> str:
        """Drop the braces."""
        return json.dumps([*message[:3], None])


class BinaryFrames(_Spoils):
    """Sends binary frames."""

    breaks = "J.FRAME.06"

    def spoil(self, message: list[Any]) -> str:
        """Encode it; the WebSocket takes bytes for a binary frame."""
        return cast("str", json.dumps(message).encode())


# -- message ids


class _OwnIds(ReferenceStation):
    """Makes its own message ids, and does not wait long for an answer, which may not find it."""

    def __init__(self, config: StationConfig) -> None:
        """Count the calls."""
        super().__init__(config)
        self.numbers = count(1)

    def message_timeout(self) -> float:
        """Be impatient."""
        return 0.3


class MessageIdTooLong(_OwnIds):
    """Gives some calls ids of 40 characters."""

    breaks = "J.ID.01"

    def new_message_id(self) -> str:
        """Make every third one too long."""
        return super().new_message_id() + ("-own" if next(self.numbers) % 3 == 0 else "")


class MessageIdAsNumber(_Spoils):
    """Writes its message ids as numbers."""

    breaks = "J.ID.01"

    def spoil(self, message: list[Any]) -> str:
        """Take the first digits of it."""
        return json.dumps([message[0], int(message[1][:6], 16), *message[2:]])

    def message_timeout(self) -> float:
        """Do not wait long for an answer that may not find it."""
        return 0.3


class MessageIdEmpty(_OwnIds):
    """Leaves some message ids empty."""

    breaks = "J.ID.05"

    def new_message_id(self) -> str:
        """Leave out every third one."""
        return "" if next(self.numbers) % 3 == 0 else super().new_message_id()


class MessageIdsReused(_OwnIds):
    """Has three message ids, and takes them in turn."""

    breaks = "J.ID.02"

    def new_message_id(self) -> str:
        """Begin again after the third."""
        return f"{next(self.numbers) % 3}"


class MessageIdsRestartAtBoot(_OwnIds):
    """Numbers its calls, from 1 at every boot."""

    breaks = "J.ID.02"

    def start_up(self) -> None:
        """Begin again."""
        self.numbers = count(1)
        super().start_up()

    def new_message_id(self) -> str:
        """Count."""
        return f"{next(self.numbers)}"


class AnswersWithOwnId(_Spoils):
    """Answers with an id that nobody has used."""

    breaks = "J.ID.03"
    spoilt = CALL_RESULT

    def spoil(self, message: list[Any]) -> str:
        """Make up another one."""
        return json.dumps([message[0], str(uuid.uuid4()), *message[2:]])


# -- one open call


class TwoOpenCalls(ReferenceStation):
    """Sends every status twice, without waiting for an answer in between."""

    breaks = "J.SYNC.01"

    async def transmit(self, frame: str) -> None:
        """Send another one right after it."""
        await super().transmit(frame)
        if '"StatusNotification"' in frame and frame.startswith("[2,"):
            message = json.loads(frame)
            await super().transmit(json.dumps([CALL, self.new_message_id(), *message[2:]]))


class DeafWhileWaiting(ReferenceStation):
    """Answers nothing while it waits for an answer itself."""

    breaks = "J.SYNC.02"

    async def receive(self, raw: str | bytes) -> None:
        """Put calls off until the open one is settled."""
        if self._open is not None and str(raw).lstrip().startswith("[2"):
            self.tasks.start(self._afterwards(raw, self._open[1]))
        else:
            await super().receive(raw)

    async def _afterwards(self, raw: str | bytes, answered: asyncio.Future[None]) -> None:
        await asyncio.wait({answered})
        await super().receive(raw)


# -- payloads


class FieldOfItsOwn(_Spoils):
    """Adds a field that the schema doesn't have."""

    breaks = "J.SCHEMA.01"

    def spoil(self, message: list[Any]) -> str:
        """Add it."""
        message[3]["vendorErrorCode"] = "none"
        return json.dumps(message)


class StatusOfOldVersion(_Spoils):
    """Reports a status that only OCPP 1.6 has."""

    breaks = "J.SCHEMA.01"

    def spoil(self, message: list[Any]) -> str:
        """Say Preparing."""
        message[3]["connectorStatus"] = "Preparing"
        return json.dumps(message)


class ResultWithoutStatus(_Spoils):
    """Leaves a required field out of its results."""

    breaks = "J.SCHEMA.01"
    spoilt = CALL_RESULT

    def spoil(self, message: list[Any]) -> str:
        """Leave the status out of every result of GetVariables."""
        for result in message[2].get("getVariableResult", ()):
            del result["attributeStatus"]
        return json.dumps(message)


class NullForNothing(_Spoils):
    """Writes null for an optional field that it leaves empty."""

    breaks = "J.FRAME.05"
    spoilt = "SecurityEventNotification"

    def spoil(self, message: list[Any]) -> str:
        """Have no further information."""
        message[3]["techInfo"] = None
        return json.dumps(message)


class EmptyListForNothing(_Spoils):
    """Writes an empty list for an optional field that it leaves empty."""

    breaks = "J.FRAME.05"
    spoilt = "NotifyReport"

    def spoil(self, message: list[Any]) -> str:
        """Report nothing."""
        message[3]["reportData"] = []
        return json.dumps(message)


class ActionWithSuffix(_Spoils):
    """Writes the name of the message for the action."""

    breaks = "J.ACTION.01"

    def spoil(self, message: list[Any]) -> str:
        """Append what has no place there."""
        return json.dumps([*message[:2], f"{message[2]}Request", message[3]])


class ActionInOtherCase(_Spoils):
    """Writes the action with a small letter."""

    breaks = "J.ACTION.01"

    def spoil(self, message: list[Any]) -> str:
        """Begin small."""
        return json.dumps([*message[:2], message[2][0].lower() + message[2][1:], message[3]])


class ActionUnheardOf(_Spoils):
    """Sends a message of its own."""

    breaks = "J.ACTION.02"

    def spoil(self, message: list[Any]) -> str:
        """Call it something else."""
        return json.dumps([*message[:2], "ConnectorState", message[3]])


# -- times


class TimeWithoutZone(_Spoils):
    """Writes its times without a zone."""

    breaks = "J.TIME.01"

    def spoil(self, message: list[Any]) -> str:
        """Drop the Z."""
        message[3]["timestamp"] = message[3]["timestamp"].rstrip("Z")
        return json.dumps(message)


class TimeInMicroseconds(_Spoils):
    """Writes its times with six decimals."""

    breaks = "J.TIME.02"

    def spoil(self, message: list[Any]) -> str:
        """Add three."""
        message[3]["timestamp"] = message[3]["timestamp"].rstrip("Z") + "001Z"
        return json.dumps(message)


class TimeOfAnotherZone(_Spoils):
    """Writes its times in the zone where it stands."""

    breaks = "J.TIME.04"

    def spoil(self, message: list[Any]) -> str:
        """Stand in Greenwich, and say so."""
        message[3]["timestamp"] = message[3]["timestamp"].rstrip("Z") + "+00:00"
        return json.dumps(message)


# -- answers


class ReadsNeverAnswered(ReferenceStation):
    """Never answers a proper GetVariables."""

    breaks = "J.ANSWER.01"

    async def transmit(self, frame: str) -> None:
        """Keep the answer back."""
        if '"getVariableResult"' not in frame:
            await super().transmit(frame)


class ReadsRefused(ReferenceStation):
    """Finds fault with every GetVariables."""

    breaks = "J.ANSWER.01"

    def on_get_variables(self, request: Payload) -> Payload:  # noqa: ARG002
        """Give up."""
        raise RpcError("GenericError", "out of order")


class AnswersLate(ReferenceStation):
    """Answers GetVariables after more than five seconds."""

    breaks = "J.ANSWER.04"

    async def transmit(self, frame: str) -> None:
        """Keep the answer back for a while."""
        if '"getVariableResult"' in frame:
            self.tasks.start(self._later(frame))
        else:
            await super().transmit(frame)

    async def _later(self, frame: str) -> None:
        await asyncio.sleep(5.5)
        await super().transmit(frame)


class AnswersTwice(ReferenceStation):
    """Sends every result twice."""

    breaks = "J.ANSWER.03"

    async def transmit(self, frame: str) -> None:
        """Repeat it."""
        await super().transmit(frame)
        if frame.startswith("[3,"):
            await super().transmit(frame)


class AnswersUnasked(ReferenceStation):
    """Sends a result that nobody asked for."""

    breaks = "J.ANSWER.03"

    def after_acceptance(self) -> None:
        """Send it after each boot."""
        super().after_acceptance()
        self.tasks.start(self.transmit(json.dumps([CALL_RESULT, str(uuid.uuid4()), {}])))


# -- refusals


class RefusesInSilence(ReferenceStation):
    """Drops whatever it would have to refuse."""

    breaks = "J.ANSWER.02"

    async def transmit(self, frame: str) -> None:
        """Keep refusals back."""
        if not frame.startswith("[4,"):
            await super().transmit(frame)


class RefusesNothing(ReferenceStation):
    """Answers whatever it can't understand with an empty result."""

    breaks = "J.ANSWER.02"

    def dispatch(self, call: Call) -> Payload:
        """Pretend that all is well."""
        try:
            return super().dispatch(call)
        except RpcError:
            return {}


class UnknownActionNotSupported(ReferenceStation):
    """Claims to know an action that OCPP doesn't have."""

    breaks = "J.ERROR.02"

    def dispatch(self, call: Call) -> Payload:
        """Call it unsupported."""
        if call.action not in known_actions():
            raise RpcError("NotSupported", f"{call.action} is not supported")
        return super().dispatch(call)


class UnofferedActionInternalError(ReferenceStation):
    """Stumbles over an action that it doesn't offer."""

    breaks = "J.ERROR.03"

    def dispatch(self, call: Call) -> Payload:
        """Break down."""
        try:
            return super().dispatch(call)
        except RpcError as error:
            if error.code == "NotSupported":
                raise RpcError("InternalError", "no handler") from error
            raise


class BadPayloadInternalError(ReferenceStation):
    """Stumbles over a bad payload."""

    breaks = "J.ERROR.05"

    def dispatch(self, call: Call) -> Payload:
        """Break down."""
        try:
            return super().dispatch(call)
        except RpcError as error:
            if error.code.endswith("Violation"):
                raise RpcError("InternalError", "no such field") from error
            raise


class ErrorCodeMadeUp(_Spoils):
    """Refuses with a code that OCPP doesn't have."""

    breaks = "J.ERROR.01"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Put it in other words."""
        message[2] = "BadRequest"
        return json.dumps(message)


class ErrorCodeOfOldVersion(_Spoils):
    """Spells the error codes as OCPP 1.6 does."""

    breaks = "J.ERROR.01"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Lose a letter, or gain two."""
        old = {"OccurrenceConstraintViolation": "OccurenceConstraintViolation", "FormatViolation": "FormationViolation"}
        message[2] = old.get(message[2], message[2])
        return json.dumps(message)


class ErrorDescriptionTooLong(_Spoils):
    """Describes errors at length."""

    breaks = "J.ERROR.04"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Say it in 300 characters."""
        message[3] = message[3].ljust(300, ".")
        return json.dumps(message)


class ErrorDetailsAsText(_Spoils):
    """Writes the details of an error as a string."""

    breaks = "J.ERROR.04"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Encode them."""
        message[4] = json.dumps(message[4])
        return json.dumps(message)


class InventsIdForUnreadable(_Spoils):
    """Makes up an id where it could read none."""

    breaks = "J.ID.04"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Take another one for -1."""
        message[1] = str(uuid.uuid4()) if message[1] == "-1" else message[1]
        return json.dumps(message)


class RepeatsBrokenJson(_Spoils):
    """Quotes broken JSON as it is, and breaks its own message by it."""

    breaks = "J.ERROR.07"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Quote."""
        if message[1] != "-1":
            return json.dumps(message)
        return '[4,"-1","RpcFrameworkError","not JSON: {"coffee": "",{}]'


class UnknownTypeNotImplemented(_Spoils):
    """Takes an unknown message type for an unknown action."""

    breaks = "J.ERROR.06"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Name the wrong thing."""
        message[2] = "NotImplemented" if message[2] == "MessageTypeNotSupported" else message[2]
        return json.dumps(message)


class HangsUpWhenPuzzled(ReferenceStation):
    """Drops the connection instead of refusing something."""

    breaks = "J.CONN.01"
    also = ("J.ANSWER.02",)

    async def transmit(self, frame: str) -> None:
        """Hang up."""
        if not frame.startswith("[4,"):
            await super().transmit(frame)
        elif self.link is not None:
            self.link.transport.abort()


class MuteWhenPuzzled(ReferenceStation):
    """Answers nothing any more once it had to refuse something."""

    breaks = "J.ANSWER.01"

    def __init__(self, config: StationConfig) -> None:
        """Begin in good order."""
        super().__init__(config)
        self._puzzled = False

    async def transmit(self, frame: str) -> None:
        """Keep results back after the first refusal."""
        self._puzzled = self._puzzled or frame.startswith("[4,")
        if not (self._puzzled and frame.startswith("[3,")):
            await super().transmit(frame)


# -- handshakes


class _DialsOddlyFirst(ReferenceStation):
    """Tries something odd before it dials as it should."""

    async def dial(self, slot: str) -> ClientConnection | None:
        """Try it, and let it go."""
        with contextlib.suppress(OSError, TimeoutError, InvalidHandshake):
            link = await connect(self.odd_url(slot), subprotocols=self.odd_subprotocols(), proxy=None)
            await link.wait_closed()
        return await super().dial(slot)

    def odd_url(self, slot: str) -> str:
        """Return the address to try first."""
        return self.url(slot)

    def odd_subprotocols(self) -> list[Subprotocol] | None:
        """Return the subprotocols to offer first."""
        return [Subprotocol(name) for name in self.config.subprotocols]


class VersionNotNamed(_DialsOddlyFirst):
    """Tries without naming a version first."""

    breaks = "J.HANDSHAKE.01"

    def odd_subprotocols(self) -> list[Subprotocol] | None:
        """Offer nothing."""
        return None


class PathWithoutEndpoint(_DialsOddlyFirst):
    """Tries its identity alone first, without the path that it was given."""

    breaks = "J.HANDSHAKE.03"

    def odd_url(self, slot: str) -> str:
        """Keep the host and the identity."""
        scheme, _, rest = self.url(slot).partition("://")
        return f"{scheme}://{rest.partition('/')[0]}/{rest.rpartition('/')[2]}"


class VersionUnregistered(ReferenceStation):
    """Offers a name that nobody has registered, beside the right one."""

    breaks = "J.HANDSHAKE.02"

    def __init__(self, config: StationConfig) -> None:
        """Add it."""
        super().__init__(replace(config, subprotocols=("ocpp201", *config.subprotocols)))
