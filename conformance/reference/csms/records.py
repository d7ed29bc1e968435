"""What the CSMS knows: stations, tokens, transactions, commands. Plain data, no I/O."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.reference.csms.config import StationSetup
from conformance.reference.csms.rpc import Payload

VariableKey = tuple[str, str, int, int, str, str]


@dataclass
class Command:
    """Something an operator wants a station to do.

    `state` goes from "queued" over "sent" to "answered", "error" (a CALLERROR, or an answer that breaks the schema),
    "timeout", "lost" (the link went), "refused" (not sendable to this station) or "removed" (the station was).
    `answer` is the payload of the answer; the answers to a request that had to be split are joined.
    """

    number: int
    identity: str
    action: str
    payload: Payload
    state: str = "queued"
    answer: Payload | None = None
    error: Payload | None = None
    calls: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def finish(self, state: str, error: Payload | None = None) -> None:
        """Settle the command."""
        self.state = state
        self.error = error
        self.done.set()

    def view(self) -> Payload:
        """Return the command for people."""
        return {
            "command": self.number,
            "station": self.identity,
            "action": self.action,
            "payload": self.payload,
            "state": self.state,
            "answer": self.answer,
            "error": self.error,
            "calls": self.calls,
        }


@dataclass
class Transaction:
    """One transaction of a station, put together from events in whatever order they come.

    `events` holds 2.0.1's TransactionEvents by (seqNo, eventType), or what 1.6 sent, by arrival.
    """

    identity: str
    transaction_id: str | int
    evse_id: int | None = None
    connector_id: int | None = None
    id_token: str | None = None
    started: bool = False
    ended: bool = False
    stopped_reason: str | None = None
    events: dict[tuple[int, str], Payload] = field(default_factory=dict)

    @property
    def sequence(self) -> list[int]:
        """The sequence numbers seen, in order, each once."""
        return sorted({number for number, _ in self.events})

    @property
    def complete(self) -> bool:
        """Whether nothing is missing between the start and the end (E04.FR.04)."""
        numbers = self.sequence
        return self.started and self.ended and numbers[-1] - numbers[0] + 1 == len(numbers)

    def view(self) -> Payload:
        """Return the transaction for people."""
        return {
            "transactionId": self.transaction_id,
            "evseId": self.evse_id,
            "connectorId": self.connector_id,
            "idToken": self.id_token,
            "started": self.started,
            "ended": self.ended,
            "stoppedReason": self.stopped_reason,
            "sequence": self.sequence,
            "complete": self.complete,
            "events": [self.events[key] for key in sorted(self.events)],
        }


@dataclass
class Report:
    """The parts of one report (NotifyReport) and whether the last has come."""

    parts: dict[int, list[Payload]] = field(default_factory=dict)
    last: int | None = None

    @property
    def complete(self) -> bool:
        """Whether every part has come."""
        return self.last is not None and all(number in self.parts for number in range(self.last + 1))

    def view(self) -> Payload:
        """Return the report for people."""
        entries = [entry for number in sorted(self.parts) for entry in self.parts[number]]
        return {"complete": self.complete, "entries": entries}


@dataclass
class StationRecord:
    """What the CSMS believes of one station."""

    identity: str
    setup: StationSetup
    password: bytes | None = None
    policy: list[str] = field(default_factory=list)
    connected: bool = False
    version: str | None = None
    registration: str | None = None
    boots: int = 0
    boot: Payload | None = None
    last_heartbeat: str | None = None
    triggered: set[str] = field(default_factory=set)
    awaited_reports: set[int] = field(default_factory=set)
    connectors: dict[tuple[int, int], Payload] = field(default_factory=dict)
    variables: dict[VariableKey, Payload] = field(default_factory=dict)
    configuration: dict[str, Payload] = field(default_factory=dict)
    reports: dict[int, Report] = field(default_factory=dict)
    events: list[Payload] = field(default_factory=list)
    security_events: list[Payload] = field(default_factory=list)
    meter_values: list[Payload] = field(default_factory=list)
    notices: dict[str, Payload] = field(default_factory=dict)
    transactions: dict[str | int, Transaction] = field(default_factory=dict)
    queue: list[Command] = field(default_factory=list)
    request_ids: int = 0
    inventory_asked: bool = False
    security_profile: int = 1
    ordered_profile: int | None = None
    slots: dict[str, int] = field(default_factory=dict)
    must_renew: bool = False

    def set_up(self, setup: StationSetup) -> None:
        """Take over what the operator lays down."""
        self.setup = setup
        self.policy = list(setup.policy)
        self.password = setup.password
        self.security_profile = setup.security_profile

    def as_set_up(self) -> StationSetup:
        """Return what is laid down now: answers are used up, passwords and security profiles change over OCPP."""
        return replace(
            self.setup, policy=tuple(self.policy), password=self.password, security_profile=self.security_profile
        )

    def next_request_id(self) -> int:
        """Return a number that no earlier request to this station carried."""
        self.request_ids += 1
        return self.request_ids

    def view(self) -> Payload:
        """Return the station for people; its password stays out."""
        return {
            "identity": self.identity,
            "connected": self.connected,
            "version": self.version,
            "registration": self.registration,
            "policy": self.policy,
            "boots": self.boots,
            "boot": self.boot,
            "lastHeartbeat": self.last_heartbeat,
            "connectors": list(self.connectors.values()),
            "variables": list(self.variables.values()),
            "configuration": list(self.configuration.values()),
            "reports": {str(number): report.view() for number, report in self.reports.items()},
            "events": self.events,
            "securityEvents": self.security_events,
            "meterValues": self.meter_values,
            "notices": self.notices,
            "transactions": [transaction.view() for transaction in self.transactions.values()],
            "securityProfile": self.security_profile,
            "queued": [command.number for command in self.queue],
        }


def variable_key(component: Payload, variable: Payload) -> VariableKey:
    """Return what identifies a variable of the device model; names are case-insensitive."""
    evse = component.get("evse") or {}
    return (
        str(component.get("name", "")).casefold(),
        str(component.get("instance", "")).casefold(),
        int(evse.get("id", 0)),
        int(evse.get("connectorId", 0)),
        str(variable.get("name", "")).casefold(),
        str(variable.get("instance", "")).casefold(),
    )


def merge_answers(answers: list[Payload]) -> Payload:
    """Join the answers to the parts of one request: lists are put one after the other."""
    merged: dict[str, Any] = {}
    for answer in answers:
        for name, value in answer.items():
            merged[name] = [*merged[name], *value] if isinstance(merged.get(name), list) else value
    return merged
