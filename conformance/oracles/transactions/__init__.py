"""Whether transactions survive a bad network: judged over the whole transcript of a session, in both versions.

`ledger` reads what a station told of its transactions, `judge` names what is wrong with it, and `account` says in plain
words what it comes to: events and energy lost, events told twice.
"""

from conformance.oracles.transactions import rules_v16, rules_v201, v16, v201
from conformance.oracles.transactions.accounts import Account, Accounts, account
from conformance.oracles.transactions.ledger import (
    Circumstances,
    Delivery,
    Event,
    Ledger,
    Made,
    Outcome,
    Transaction,
    fill,
)
from conformance.oracles.wire import Miss, Misses
from conformance.wire.transcript import Transcript

__all__ = [
    "JUDGED",
    "Account",
    "Accounts",
    "Circumstances",
    "Delivery",
    "Event",
    "Ledger",
    "Made",
    "Outcome",
    "Transaction",
    "account",
    "judge",
    "ledger",
]

_READERS = {v201.VERSION: v201.read, v16.VERSION: v16.read}
_RULES = {v201.VERSION: rules_v201.rules, v16.VERSION: rules_v16.rules}

JUDGED = {v201.VERSION: rules_v201.REQUIREMENTS, v16.VERSION: rules_v16.REQUIREMENTS}
"""The requirements that are judged, by version."""


def ledger(
    transcript: Transcript, station: str, *, version: str, now: float, circumstances: Circumstances | None = None
) -> Ledger:
    """Read the transactions of a station, as far as it spoke this version ("2.0.1" or "1.6").

    `now` is the monotonic time: what may still come by then, `patience` considered, is not held against the station.
    """
    return fill(transcript, station, version, circumstances or Circumstances(), now, _READERS[version])


def judge(book: Ledger) -> Misses:
    """The misses of each requirement that is judged in this version, all of them named, also those without a miss."""
    found: dict[str, list[Miss]] = {requirement: [] for requirement in JUDGED[book.version]}
    for requirement, miss in _RULES[book.version](book):
        found[requirement].append(miss)
    return found
