"""The RPC layer: answers to the station's calls, and commands to it one at a time (Part 4, chapter 4)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import uuid

from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from conformance.reference.csms.base import Link
from conformance.reference.csms.credentials import Credentials
from conformance.reference.csms.records import Command, StationRecord, merge_answers
from conformance.reference.csms.rpc import (
    Answer,
    BadFrameError,
    Call,
    ConnectionLostError,
    Payload,
    RpcError,
    check_request,
    check_response,
    decode,
    encode_call,
    encode_error,
    encode_result,
    known_actions,
)

logger = logging.getLogger(__name__)

IMPOSTOR = 1008
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z]+|[A-Z]+|[0-9]+")
_TOO_EARLY_TO_START = {
    "RequestStartTransaction",
    "RequestStopTransaction",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
}


def snake(action: str) -> str:
    """Return an action in the spelling of a method: "GetBaseReport" is "get_base_report"."""
    return "_".join(word.lower() for word in _WORD.findall(action))


class Messaging(Credentials):
    """Reads frames, answers calls and delivers commands."""

    # -- calls of the station

    async def receive(self, link: Link, raw: str | bytes) -> None:
        """Take one message from the wire: settle a call of ours, or answer one of the station."""
        if link.gone:
            return
        try:
            frame = decode(link.dialect, raw)
        except BadFrameError as bad:
            await self.answer_bad_frame(link, bad)
            return
        if isinstance(frame, Answer):
            self.settle(link, frame)
            return
        if self.is_impostor(link, frame):
            await self.turn_out(link, frame)
            return
        await self.reply(link, self.answer_frame(link, frame))
        link.wake.set()

    async def turn_out(self, link: Link, call: Call) -> None:  # noqa: ARG002
        """Close the connection of a station that is not the one its certificate names (B01.FR.12)."""
        self.log_security("InvalidChargingStationCertificate", "another serial number", link.station.identity)
        await link.connection.close(IMPOSTOR, "the certificate names another serial number")

    async def answer_bad_frame(self, link: Link, bad: BadFrameError) -> None:
        """Answer what can't be read."""
        if bad.error is not None:
            await self.reply(link, encode_error(link.dialect, bad.message_id, bad.error))

    def answer_frame(self, link: Link, call: Call) -> str:
        """Return the frame that answers a call."""
        try:
            return encode_result(call.message_id, self.answer(link, call))
        except RpcError as error:
            return encode_error(link.dialect, call.message_id, error)
        except Exception:
            logger.exception("the handler of %s failed", call.action)
            return encode_error(link.dialect, call.message_id, RpcError("InternalError", "could not be handled"))

    def answer(self, link: Link, call: Call) -> Payload:
        """Return the result of a call, or raise the RpcError it deserves."""
        if not self.admits(link.station, call):
            raise self.refusal(call)
        if call.action not in known_actions(link.dialect):
            raise self.unknown_action(call)
        self.check_call(link, call)
        return self.dispatch(link, call)

    def admits(self, station: StationRecord, call: Call) -> bool:
        """Tell whether the registration status lets a call in (B01.FR.10, B02.FR.09, B03.FR.07)."""
        if call.action == "BootNotification" or station.registration == "Accepted":
            return True
        return station.registration == "Pending" and self.was_asked_for(station, call)

    def was_asked_for(self, station: StationRecord, call: Call) -> bool:
        """Tell whether a call is what the CSMS triggered, or part of a report it wanted (B02.FR.02)."""
        if call.action == "NotifyReport" and isinstance(call.payload, dict):
            number = call.payload.get("requestId")
            return isinstance(number, int) and number in station.awaited_reports
        return call.action in station.triggered

    def refusal(self, call: Call) -> RpcError:
        """Return the error for a call that comes too early."""
        return RpcError("SecurityError", f"not registered, no {call.action}")

    def unknown_action(self, call: Call) -> RpcError:
        """Return the error for an action that the version in use doesn't have."""
        return RpcError("NotImplemented", f"unknown action {call.action}")

    def unsupported_action(self, call: Call) -> RpcError:
        """Return the error for an action that the version has but that is not handled here."""
        return RpcError("NotSupported", f"{call.action} is not supported")

    def check_call(self, link: Link, call: Call) -> None:
        """Raise the RpcError that the payload of a call deserves."""
        if self.handler_name(link, call.action) is None:
            raise self.unsupported_action(call)
        check_request(link.dialect, call.action, call.payload)

    def handler_name(self, link: Link, action: str) -> str | None:
        """Return the method for an action: `on16_…` or `on201_…` of one version, else `on_…` of both."""
        version = link.dialect.version.replace(".", "")
        names = (f"on{version}_{snake(action)}", f"on_{snake(action)}")
        return next((name for name in names if hasattr(self, name)), None)

    def dispatch(self, link: Link, call: Call) -> Payload:
        """Run the handler of an action."""
        handler = getattr(self, self.handler_name(link, call.action) or "")
        result: Payload = handler(link.station, call.payload)
        return result

    async def reply(self, link: Link, frame: str) -> None:
        """Send an answer; if the link has gone there is nobody to tell."""
        with contextlib.suppress(ConnectionLostError):
            await self.transmit(link, frame)

    async def transmit(self, link: Link, frame: str) -> None:
        """Put a frame on the wire; raise ConnectionLostError on a link that is no more."""
        if link.gone:
            raise ConnectionLostError
        try:
            await link.connection.send(frame)
        except ConnectionClosed:
            raise ConnectionLostError from None

    # -- commands to the station

    def command(self, identity: str, action: str, payload: Payload | None = None) -> Command:
        """Queue a command and return at once; raise KeyError for an unknown station."""
        station = self.stations[identity]
        command = Command(next(self._command_numbers), identity, action, dict(payload or {}))
        self.commands[command.number] = command
        station.queue.append(command)
        self.wake_sender(identity)
        return command

    async def call(self, identity: str, action: str, payload: Payload | None = None) -> Payload:
        """Queue a command and return its answer; raise RpcError or ConnectionLostError when there is none."""
        command = self.command(identity, action, payload)
        await command.done.wait()
        if command.answer is not None and command.state == "answered":
            return command.answer
        if command.error is not None:
            raise RpcError(command.error["code"], command.error["description"])
        raise ConnectionLostError(command.state)

    def wake_sender(self, identity: str) -> None:
        """Have a station's queue looked at again."""
        link = self.links.get(identity)
        if link is not None:
            link.wake.set()

    def may_send(self, station: StationRecord, command: Command) -> bool:
        """Tell whether the registration status lets a command out.

        Nothing goes to a rejected station (B03.FR.03), no transaction starts while it is pending (B02.FR.05), and one
        that has not booted yet can only be asked to.
        """
        if station.registration == "Accepted":
            return True
        if station.registration == "Pending":
            return command.action not in _TOO_EARLY_TO_START
        return station.registration is None and command.payload.get("requestedMessage") == "BootNotification"

    def next_command(self, link: Link) -> Command | None:
        """Take the next command to send from the queue; those that must wait don't hold up the others.

        A link that is closing takes none: what is still queued goes out on the next one.
        """
        if link.connection.state is not State.OPEN:
            return None
        for command in link.station.queue:
            if self.may_send(link.station, command):
                link.station.queue.remove(command)
                return command
        return None

    async def deliver_commands(self, link: Link) -> None:
        """Carry out queued commands, for as long as the link holds."""
        while not link.gone:
            command = self.next_command(link)
            if command is None:
                link.wake.clear()
                await link.wake.wait()
            else:
                await self.carry_out(link, command)

    async def carry_out(self, link: Link, command: Command) -> None:
        """Send a command in as many calls as it takes, and settle it."""
        answers: list[Payload] = []
        command.state = "sent"
        try:
            for payload in self.requests_for(link, command):
                self.check_command(link, command, payload)
                command.calls += 1
                answer = await self.call_once(link, command.action, payload)
                answers.append(answer)
                self.learn(link, command.action, payload, answer)
        except RpcError as error:
            state = "error" if command.calls else "refused"
            command.finish(state, {"code": error.code, "description": error.description, "details": error.details})
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            logger.warning("the payload of %s makes no sense", command.action, exc_info=problem)
            command.finish("refused", {"code": "FormatViolation", "description": repr(problem), "details": {}})
        except TimeoutError:
            command.finish("timeout")
        except ConnectionLostError:
            command.finish("lost")
        else:
            command.answer = merge_answers(answers)
            command.finish("answered")

    def requests_for(self, link: Link, command: Command) -> list[Payload]:
        """Return the payloads to send for a command: one, unless `prepare_<action>` makes several of it."""
        prepare = getattr(self, f"prepare_{snake(command.action)}", None)
        if prepare is None:
            return [command.payload]
        payloads: list[Payload] = prepare(link.station, command.payload)
        return payloads

    def check_command(self, link: Link, command: Command, payload: Payload) -> None:
        """Raise RpcError rather than send what the version in use doesn't allow."""
        if command.action not in known_actions(link.dialect):
            raise RpcError("NotImplemented", f"OCPP {link.dialect.version} has no {command.action}")
        check_request(link.dialect, command.action, payload)

    def new_message_id(self) -> str:
        """Return an id that no other call has, on any connection."""
        return str(uuid.uuid4())

    async def call_once(self, link: Link, action: str, payload: Payload) -> Payload:
        """Send one call and return the payload of its answer."""
        message_id = self.new_message_id()
        answered: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        link.open[message_id] = answered
        try:
            self.expect_from(link.station, action, payload)
            await self.transmit(link, encode_call(message_id, action, payload))
            async with asyncio.timeout(self.config.call_timeout):
                answer = await answered
        finally:
            del link.open[message_id]
        if answer is None:
            raise ConnectionLostError
        if isinstance(answer.result, RpcError):
            raise answer.result
        check_response(link.dialect, action, answer.result)
        return answer.result

    def settle(self, link: Link, answer: Answer) -> None:
        """Match an answer with the call it is for; anything else is ignored."""
        future = link.open.get(answer.message_id)
        if future is not None and not future.done():
            future.set_result(answer)

    def fail_open_calls(self, link: Link) -> None:
        """Tell everyone who waits for an answer that none will come."""
        for future in link.open.values():
            if not future.done():
                future.set_result(None)

    def expect_from(self, station: StationRecord, action: str, payload: Payload) -> None:
        """Note what a call makes the station send, before it can arrive."""

    def learn(self, link: Link, action: str, payload: Payload, answer: Payload) -> None:
        """Take over what an answer tells: `learn_<action>`, if there is one."""
        note = getattr(self, f"learn_{snake(action)}", None)
        if note is not None:
            note(link.station, payload, answer)
