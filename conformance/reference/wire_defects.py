"""What can be wrong with the messages of a station in any version: frames, ids, actions, times, answers, handshakes.

`on` makes mutants of them. A defect says in its class body which requirement it breaks, as mutants do.
"""

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
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from conformance.reference.station.power import Power
from conformance.reference.station.rpc import RpcError

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from conformance.reference.station.config import StationConfig
    from conformance.reference.station.rpc import Answer, Call, Payload

CALL, CALL_RESULT, CALL_ERROR = 2, 3, 4


def on(reference: type, module: str) -> dict[str, type]:
    """Return every defect as a mutant of a reference station, by class name, for the module of this name."""
    return {
        each.__name__: type(
            each.__name__,
            (each, reference),
            {"__module__": module, "__doc__": each.__doc__, "breaks": each.breaks},
        )
        for each in _below(Defect)
        if vars(each).get("breaks")
    }


def _below(parent: type[Defect]) -> list[type[Defect]]:
    """Return every defect of this module that derives another."""
    children = [child for child in parent.__subclasses__() if child.__module__ == __name__]
    return [each for child in children for each in (child, *_below(child))]


class Defect(Power):
    """A station of any version with something wrong on the wire; `reads` are the actions that read settings."""

    breaks: str = ""
    also: tuple[str, ...] = ()
    reads = ("GetVariables", "GetConfiguration")

    def is_read(self, frame: str) -> bool:
        """Tell whether a frame is the result of such an action."""
        return frame.startswith("[3,") and ('"getVariableResult"' in frame or '"configurationKey"' in frame)

    def hang_up(self) -> None:
        """Drop the connection without a goodbye."""
        if self.link is not None:
            self.link.transport.abort()


class Spoils(Defect):
    """Spoils its calls of one action, or its results, or its refusals, before they go out."""

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


class FrameWithExtraItem(Spoils):
    """Adds a fifth item to a CALL."""

    breaks = "J.FRAME.01"

    def spoil(self, message: list[Any]) -> str:
        """Append one."""
        return json.dumps([*message, "extra"])


class PayloadAsText(Spoils):
    """Encodes the payload twice, so that it is a string."""

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
    spoilt = "Heartbeat"

    def result_arrived(self, action: str, payload: Payload, result: Payload) -> None:
        """Send a heartbeat after each boot."""
        super().result_arrived(action, payload, result)
        if action == "BootNotification":
            self.send("Heartbeat", {})

    def spoil(self, message: list[Any]) -> str:
        """Drop the braces."""
        return json.dumps([*message[:3], None])


class BinaryFrames(Spoils):
    """Sends binary frames."""

    breaks = "J.FRAME.06"

    def spoil(self, message: list[Any]) -> str:
        """Encode it; the WebSocket takes bytes for a binary frame."""
        return cast("str", json.dumps(message).encode())


# -- message ids


class OwnIds(Defect):
    """Makes its own message ids, and does not wait long for an answer, which may not find it."""

    def __init__(self, config: StationConfig) -> None:
        """Count the calls."""
        super().__init__(config)
        self.numbers = count(1)

    def message_timeout(self) -> float:
        """Be impatient."""
        return 0.3


class MessageIdTooLong(OwnIds):
    """Gives some calls ids of 40 characters."""

    breaks = "J.ID.01"

    def new_message_id(self) -> str:
        """Make every third one too long."""
        return super().new_message_id() + ("-own" if next(self.numbers) % 3 == 0 else "")


class MessageIdAsNumber(Spoils):
    """Writes its message ids as numbers."""

    breaks = "J.ID.01"

    def spoil(self, message: list[Any]) -> str:
        """Take the first digits of it."""
        return json.dumps([message[0], int(message[1][:6], 16), *message[2:]])

    def message_timeout(self) -> float:
        """Do not wait long for an answer that may not find it."""
        return 0.3


class MessageIdEmpty(OwnIds):
    """Leaves some message ids empty."""

    breaks = "J.ID.05"

    def new_message_id(self) -> str:
        """Leave out every third one."""
        return "" if next(self.numbers) % 3 == 0 else super().new_message_id()


class MessageIdsReused(OwnIds):
    """Has three message ids, and takes them in turn."""

    breaks = "J.ID.02"

    def new_message_id(self) -> str:
        """Begin again after the third."""
        return f"{next(self.numbers) % 3}"


class MessageIdsRestartAtBoot(OwnIds):
    """Numbers its calls, from 1 at every boot."""

    breaks = "J.ID.02"

    def start_up(self) -> None:
        """Begin again."""
        self.numbers = count(1)
        super().start_up()

    def new_message_id(self) -> str:
        """Count."""
        return f"{next(self.numbers)}"


class AnswersWithOwnId(Spoils):
    """Answers with an id that nobody has used."""

    breaks = "J.ID.03"
    spoilt = CALL_RESULT

    def spoil(self, message: list[Any]) -> str:
        """Make up another one."""
        return json.dumps([message[0], str(uuid.uuid4()), *message[2:]])


# -- one open call


class TwoOpenCalls(Defect):
    """Sends every status twice, without waiting for an answer in between."""

    breaks = "J.SYNC.01"

    async def transmit(self, frame: str) -> None:
        """Send another one right after it."""
        await super().transmit(frame)
        if '"StatusNotification"' in frame and frame.startswith("[2,"):
            message = json.loads(frame)
            await super().transmit(json.dumps([CALL, self.new_message_id(), *message[2:]]))


class DeafWhileWaiting(Defect):
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


# -- payloads, actions and times


class FieldOfItsOwn(Spoils):
    """Adds a field that the schema doesn't have."""

    breaks = "J.SCHEMA.01"

    def spoil(self, message: list[Any]) -> str:
        """Add it."""
        message[3]["mood"] = "good"
        return json.dumps(message)


class ActionWithSuffix(Spoils):
    """Writes the name of the message for the action."""

    breaks = "J.ACTION.01"

    def spoil(self, message: list[Any]) -> str:
        """Append what has no place there."""
        return json.dumps([*message[:2], f"{message[2]}Request", message[3]])


class ActionInOtherCase(Spoils):
    """Writes the action with a small letter."""

    breaks = "J.ACTION.01"

    def spoil(self, message: list[Any]) -> str:
        """Begin small."""
        return json.dumps([*message[:2], message[2][0].lower() + message[2][1:], message[3]])


class ActionUnheardOf(Spoils):
    """Sends a message of its own."""

    breaks = "J.ACTION.02"

    def spoil(self, message: list[Any]) -> str:
        """Call it something else."""
        return json.dumps([*message[:2], "ConnectorState", message[3]])


class TimeWithoutZone(Spoils):
    """Writes its times without a zone."""

    breaks = "16J.TIME.06"

    def spoil(self, message: list[Any]) -> str:
        """Drop the Z."""
        message[3]["timestamp"] = message[3]["timestamp"].rstrip("Z")
        return json.dumps(message)


class TimeAsCounted(Spoils):
    """Writes its times in seconds since 1970."""

    breaks = "16J.TIME.01"

    def spoil(self, message: list[Any]) -> str:
        """Count."""
        message[3]["timestamp"] = "1767261600"
        return json.dumps(message)


class TimeOfAnotherZone(Spoils):
    """Writes its times in the zone where it stands."""

    breaks = "J.TIME.04"

    def spoil(self, message: list[Any]) -> str:
        """Stand in Greenwich, and say so."""
        message[3]["timestamp"] = message[3]["timestamp"].rstrip("Z") + "+00:00"
        return json.dumps(message)


# -- answers


class ReadsNeverAnswered(Defect):
    """Never answers a proper request for settings."""

    breaks = "J.ANSWER.01"

    async def transmit(self, frame: str) -> None:
        """Keep the answer back."""
        if not self.is_read(frame):
            await super().transmit(frame)


class ReadsRefused(Defect):
    """Finds fault with every request for settings, and with none of them in particular."""

    breaks = "J.ANSWER.01"
    also = ("J.ERROR.05",)

    def dispatch(self, call: Call) -> Payload:
        """Give up."""
        result = super().dispatch(call)
        if call.action in self.reads:
            raise RpcError("GenericError", "out of order")
        return result


class AnswersLate(Defect):
    """Answers a request for settings after more than five seconds."""

    breaks = "J.ANSWER.04"

    async def transmit(self, frame: str) -> None:
        """Keep the answer back for a while."""
        if self.is_read(frame):
            self.tasks.start(self._later(frame))
        else:
            await super().transmit(frame)

    async def _later(self, frame: str) -> None:
        await asyncio.sleep(5.5)
        await super().transmit(frame)


class AnswersTwice(Defect):
    """Sends every result twice."""

    breaks = "J.ANSWER.03"

    async def transmit(self, frame: str) -> None:
        """Repeat it."""
        await super().transmit(frame)
        if frame.startswith("[3,"):
            await super().transmit(frame)


class AnswersUnasked(Defect):
    """Sends a result that nobody asked for."""

    breaks = "J.ANSWER.03"

    def result_arrived(self, action: str, payload: Payload, result: Payload) -> None:
        """Send it after each boot."""
        super().result_arrived(action, payload, result)
        if action == "BootNotification":
            self.tasks.start(self.transmit(json.dumps([CALL_RESULT, str(uuid.uuid4()), {}])))


class AnswersAnswers(Defect):
    """Refuses an answer to what it did not ask."""

    breaks = "J.ANSWER.03"

    def _settle(self, answer: Answer) -> None:
        """Complain."""
        if self._open is None or self._open[0] != answer.message_id:
            complaint = [CALL_ERROR, answer.message_id, "GenericError", "not asked for", {}]
            self.tasks.start(self.transmit(json.dumps(complaint)))
        super()._settle(answer)


# -- refusals


class RefusesInSilence(Defect):
    """Drops whatever it would have to refuse."""

    breaks = "J.ANSWER.02"

    async def transmit(self, frame: str) -> None:
        """Keep refusals back."""
        if not frame.startswith("[4,"):
            await super().transmit(frame)


class RefusesNothing(Defect):
    """Answers whatever it can't understand with an empty result."""

    breaks = "J.ANSWER.05"
    also = ("J.ANSWER.02",)

    def dispatch(self, call: Call) -> Payload:
        """Pretend that all is well."""
        try:
            return super().dispatch(call)
        except RpcError:
            return {}


class ServesWithoutAnId(Defect):
    """Takes a number for a message id."""

    breaks = "J.ANSWER.02"

    async def receive(self, raw: str | bytes) -> None:
        """Make a string of it."""
        message = _readable(raw)
        if message is not None and isinstance(message[1], int):
            raw = json.dumps([message[0], str(message[1]), *message[2:]])
        await super().receive(raw)


class ServesUnknownTypes(Defect):
    """Takes every message of four items for a request."""

    breaks = "J.ERROR.06"

    async def receive(self, raw: str | bytes) -> None:
        """Make it one."""
        message = _readable(raw)
        await super().receive(raw if message is None else json.dumps([CALL, *message[1:]]))


def _readable(raw: str | bytes) -> list[Any] | None:
    """Return the items of a message that has as many as a CALL."""
    with contextlib.suppress(ValueError):
        message = json.loads(raw)
        if isinstance(message, list) and len(message) == 4:  # noqa: PLR2004
            return message
    return None


class UnknownActionNotSupported(Defect):
    """Claims to know an action that OCPP doesn't have."""

    breaks = "J.ERROR.02"

    def dispatch(self, call: Call) -> Payload:
        """Call it unsupported."""
        if call.action not in self.known_actions():
            raise RpcError("NotSupported", f"{call.action} is not supported")
        return super().dispatch(call)


class UnofferedActionInternalError(Defect):
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


class BadPayloadInternalError(Defect):
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


class StumblesOverNull(Defect):
    """Breaks down where null stands for a payload."""

    breaks = "J.ERROR.05"

    async def receive(self, raw: str | bytes) -> None:
        """Say no more than that."""
        message = _readable(raw)
        if message is not None and message[3] is None:
            await self.transmit(json.dumps([CALL_ERROR, message[1], "InternalError", "null pointer", {}]))
        else:
            await super().receive(raw)


class ErrorCodeMadeUp(Spoils):
    """Refuses with a code that OCPP doesn't have."""

    breaks = "J.ERROR.01"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Put it in other words."""
        message[2] = "BadRequest"
        return json.dumps(message)


class ErrorDetailsAsText(Spoils):
    """Writes the details of an error as a string."""

    breaks = "J.ERROR.04"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Encode them."""
        message[4] = json.dumps(message[4])
        return json.dumps(message)


class InventsIdForUnreadable(Spoils):
    """Makes up an id where it could read none."""

    breaks = "J.ID.04"
    spoilt = CALL_ERROR

    def spoil(self, message: list[Any]) -> str:
        """Take another one for -1."""
        message[1] = str(uuid.uuid4()) if message[1] == "-1" else message[1]
        return json.dumps(message)


# -- hanging up, and falling silent


class HangsUpWhenPuzzled(Defect):
    """Drops the connection instead of refusing something."""

    breaks = "J.CONN.01"
    also = ("J.ANSWER.02",)

    async def transmit(self, frame: str) -> None:
        """Hang up."""
        if frame.startswith("[4,"):
            self.hang_up()
        else:
            await super().transmit(frame)


class HangsUpOnStrayAnswers(Defect):
    """Drops the connection over an answer to what it did not ask."""

    breaks = "J.CONN.01"

    def _settle(self, answer: Answer) -> None:
        """Take offence."""
        if self._open is None or self._open[0] != answer.message_id:
            self.hang_up()
        super()._settle(answer)


class HangsUpOnNull(Defect):
    """Drops the connection where null stands for a payload."""

    breaks = "J.CONN.01"

    async def receive(self, raw: str | bytes) -> None:
        """Break down."""
        message = _readable(raw)
        if message is not None and message[3] is None:
            self.hang_up()
        else:
            await super().receive(raw)


class MuteWhenPuzzled(Defect):
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


class PongsKeptBack(Defect):
    """Leaves pings unanswered."""

    breaks = "J.PING.04"

    async def dial(self, slot: str) -> ClientConnection | None:
        """Swallow the pongs."""
        link = await super().dial(slot)
        if link is not None:
            protocol, send = link.protocol, link.protocol.send_frame

            def send_frame(frame: Frame) -> None:
                if frame.opcode is not Opcode.PONG:
                    send(frame)
                else:
                    self.pong_due()

            setattr(protocol, "send_frame", send_frame)  # noqa: B010 -- a method, which may not be assigned to
        return link

    def pong_due(self) -> None:
        """Do something else in place of a pong: here nothing."""


class HangsUpOnPings(PongsKeptBack):
    """Drops the connection when it is pinged."""

    breaks = "J.CONN.01"
    also = ("J.ANSWER.01", "J.PING.04")

    def pong_due(self) -> None:
        """Hang up."""
        self.hang_up()


# -- handshakes


class DialsOddlyFirst(Defect):
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


class VersionNotNamed(DialsOddlyFirst):
    """Tries without naming a version first."""

    breaks = "J.HANDSHAKE.01"

    def odd_subprotocols(self) -> list[Subprotocol] | None:
        """Offer nothing."""
        return None


class PathWithoutEndpoint(DialsOddlyFirst):
    """Tries its identity alone first, without the path that it was given."""

    breaks = "J.HANDSHAKE.03"

    def odd_url(self, slot: str) -> str:
        """Keep the host and the identity."""
        scheme, _, rest = self.url(slot).partition("://")
        return f"{scheme}://{rest.partition('/')[0]}/{rest.rpartition('/')[2]}"


class VersionUnregistered(Defect):
    """Offers a name that nobody has registered, beside the right one."""

    breaks = "J.HANDSHAKE.02"

    def __init__(self, config: StationConfig) -> None:
        """Add it."""
        super().__init__(replace(config, subprotocols=("ocpp0.9", *config.subprotocols)))
