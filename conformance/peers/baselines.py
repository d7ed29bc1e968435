"""Reading the whole configuration of a station, in whichever version it speaks, to be compared with a baseline."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from conformance.cases.baseline import Baseline, address
from conformance.oracles.device_model import DeviceModel, key_of
from conformance.oracles.drift import Inventory, Item, from_model, from_settings
from conformance.peers.inventories import BaseReport, fetch, items_per_message
from conformance.peers.peer import Peer
from conformance.peers.settings import keys_at_once, list_all, read_each
from conformance.peers.v201 import get_variables
from conformance.sut.profile import SutProfile

_REPORTS = ("FullInventory", "ConfigurationInventory")
_THERE = ("Accepted", "Rejected")  # a variable that can't be read is there all the same


async def read_configuration(csms: Peer, profile: SutProfile, baseline: Baseline | None = None) -> Inventory:
    """Everything that the station tells of its configuration.

    What a baseline has and the station does not list is asked for by its name: it need not list everything. Raises
    AssertionError where it tells nothing, Refused and NoAnswer.
    """
    named = list(baseline.lines(profile.version)) if baseline is not None else []
    return await _READERS[profile.version](csms, profile, named)


async def _read_variables(csms: Peer, profile: SutProfile, named: Sequence[str]) -> Inventory:
    report = await _best_report(csms, pause=profile.timing.settle)
    inventory = from_model(report.model, secrets=profile.secrets(), hint=report.hint)
    unlisted = [name for name in named if not inventory.has(name)]
    for item in await _read_by_name(csms, report.model, unlisted):
        inventory.add(item)
    return inventory


async def _best_report(csms: Peer, *, pause: float) -> BaseReport:
    """The full inventory, which has limits and what is read-only; where there is none, the configuration alone."""
    full, configuration = _REPORTS
    try:
        return await fetch(csms, full, pause=pause)
    except AssertionError as missing:
        try:
            return await fetch(csms, configuration, pause=pause)
        except AssertionError:
            raise missing from None


async def _read_by_name(csms: Peer, model: DeviceModel, names: Iterable[str]) -> list[Item]:
    """Those of these variables that are there though no report shows them, without mutability and limits."""
    asked = [(name, wanted) for name in names if (wanted := address(name)) is not None]
    at_once = items_per_message(model, "GetVariables")
    found: list[Item] = []
    for first in range(0, len(asked), at_once):
        batch = asked[first : first + at_once]
        answer = await csms.call("GetVariables", get_variables(*(wanted for _, wanted in batch)))
        results = {_result_key(each): each for each in answer["getVariableResult"]}
        for name, wanted in batch:
            result = results.get(_result_key(wanted), {})
            value = result.get("attributeValue")
            status = result.get("attributeStatus")
            if status in _THERE and (value is not None or status == "Rejected"):
                found.append(Item(name, value, secret=status == "Rejected"))
    return found


def _result_key(item: Mapping[str, Any]) -> tuple[object, str]:
    return key_of(item["component"], item["variable"]), str(item.get("attributeType", "Actual")).casefold()


async def _read_keys(csms: Peer, profile: SutProfile, named: Sequence[str]) -> Inventory:
    listed = await list_all(csms)
    inventory = from_settings(listed, secrets=profile.secrets())
    unlisted = [name for name in named if not inventory.has(name)]
    by_name = from_settings(await read_each(csms, unlisted, at_once=keys_at_once(listed)), secrets=profile.secrets())
    for item in by_name.items.values():
        inventory.add(item)
    return inventory


_READERS: dict[str, Callable[[Peer, SutProfile, Sequence[str]], Awaitable[Inventory]]] = {
    "1.6": _read_keys,
    "2.0.1": _read_variables,
}
