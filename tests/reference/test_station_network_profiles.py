"""Network profiles of the reference station: slots, refusals, when they count, and what comes after a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.reference.station import ReferenceStation

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Response

    from tests.reference.conftest import Csms, Yard

pytestmark = pytest.mark.asyncio(loop_scope="function")

SWIFT = {f"OCPPCommCtrlr.{name}": "0" for name in ("RetryBackOffWaitMinimum", "RetryBackOffRepeatTimes")}


def profile(url: str, **changes: Any) -> dict[str, Any]:
    """A network profile."""
    whole = {"ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": url, "messageTimeout": 30}
    return {**whole, "securityProfile": 1, "ocppInterface": "Wired0", **changes}


async def put(csms: Csms, slot: int, data: dict[str, Any]) -> str:
    """Fill a slot; the status, with the reason of a refusal."""
    answer = await csms.call("SetNetworkProfile", {"configurationSlot": slot, "connectionData": data})
    return " ".join((answer["status"], *answer.get("statusInfo", {}).values()))


async def set_variable(csms: Csms, name: str, value: str) -> str:
    place = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": name}}
    answer = await csms.call("SetVariables", {"setVariableData": [{**place, "attributeValue": value}]})
    return str(answer["setVariableResult"][0]["attributeStatus"])


async def read(csms: Csms, name: str) -> str:
    place = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": name}}
    answer = await csms.call("GetVariables", {"getVariableData": [place]})
    return str(answer["getVariableResult"][0]["attributeValue"])


def paths(csms: Csms) -> list[str]:
    """Where the station dialled, by the first part of the path."""
    return [request.path.split("/")[1] for _, request in csms.attempts]


def turn_away(csms: Csms, path: str, times: int) -> None:
    """Refuse so many of the next attempts at a path, and let in all others."""
    left = [times]

    def refuse(connection: ServerConnection) -> Response | None:
        assert connection.request is not None
        if left[0] and connection.request.path.startswith(f"/{path}/"):
            left[0] -= 1
            return connection.respond(503, "")
        return None

    csms.refuse = refuse


async def restarted(csms: Csms) -> None:
    await csms.call("Reset", {"type": "OnIdle"})
    await csms.expect("SecurityEventNotification", 2)


@pytest.mark.parametrize(
    ("slot", "changes", "status"),
    [
        (2, {}, "Accepted"),
        (1, {}, "Accepted"),
        (3, {"securityProfile": 2, "ocppCsmsUrl": "wss://csms.example/ocpp"}, "Accepted"),
        (0, {}, "Rejected InvalidConfSlot"),
        (999, {}, "Rejected InvalidConfSlot"),
        (2, {"securityProfile": 0}, "Rejected NoSecurityDowngrade"),
        (2, {"securityProfile": 4, "ocppCsmsUrl": "wss://csms.example"}, "Rejected InvalidNetworkConf"),
        (2, {"securityProfile": 2}, "Rejected InvalidNetworkConf"),
        (2, {"ocppCsmsUrl": "not an address"}, "Rejected InvalidNetworkConf"),
        (2, {"ocppCsmsUrl": "ws://"}, "Rejected InvalidNetworkConf"),
        (2, {"ocppCsmsUrl": "ws://[oops"}, "Rejected InvalidNetworkConf"),
        (2, {"ocppCsmsUrl": "http://csms.example"}, "Rejected InvalidNetworkConf"),
        (2, {"ocppTransport": "SOAP"}, "Rejected InvalidNetworkConf"),
        (2, {"ocppVersion": "OCPP16"}, "Rejected InvalidNetworkConf"),
        (2, {"messageTimeout": 0}, "Rejected InvalidNetworkConf"),
    ],
)
async def test_what_is_taken(csms: Csms, yard: Yard, slot: int, changes: dict[str, Any], status: str) -> None:
    await yard.boot()
    assert await put(csms, slot, profile(csms.url + "2", **changes)) == status
    can_be_used = slot == 1 or (status == "Accepted" and "securityProfile" not in changes)  # it has no root for TLS
    filled = "RebootRequired" if can_be_used else "Rejected"
    assert await set_variable(csms, "NetworkConfigurationPriority", f"{slot}") == filled


async def test_flash_memory_that_fails(csms: Csms, yard: Yard) -> None:
    class WornOut(ReferenceStation):
        def store_network_profile(self, slot: str, profile: dict[str, Any]) -> None:
            raise OSError

    await yard.boot(WornOut)
    assert await put(csms, 2, profile(csms.url)) == "Failed"
    assert await set_variable(csms, "NetworkConfigurationPriority", "2,1") == "Rejected"


async def test_a_spare_slot_changes_nothing(csms: Csms, yard: Yard) -> None:
    await yard.boot()
    assert await put(csms, 2, profile(csms.url + "2")) == "Accepted"
    await restarted(csms)
    assert paths(csms) == ["ocpp", "ocpp"]
    assert await read(csms, "ActiveNetworkProfile") == "1"


async def test_the_profile_in_use_changes_with_the_next_boot(csms: Csms, yard: Yard) -> None:
    await yard.boot(variables=SWIFT)
    assert await put(csms, 1, profile(csms.url + "2")) == "Accepted"
    assert csms.connection is not None
    await csms.connection.close()
    await csms.until(lambda: len(csms.connections) > 1)
    assert paths(csms) == ["ocpp", "ocpp"]
    await restarted(csms)
    assert paths(csms) == ["ocpp", "ocpp", "ocpp2"]
    assert await read(csms, "ActiveNetworkProfile") == "1"


async def test_falls_back_to_the_next_in_the_list(csms: Csms, yard: Yard) -> None:
    await yard.boot(variables={**SWIFT, "OCPPCommCtrlr.NetworkProfileConnectionAttempts": "2"})
    assert await put(csms, 2, profile(csms.url + "2")) == "Accepted"
    assert await set_variable(csms, "NetworkConfigurationPriority", "2,1") == "RebootRequired"
    turn_away(csms, "ocpp2", 2)
    await restarted(csms)
    assert paths(csms) == ["ocpp", "ocpp2", "ocpp2", "ocpp"]
    assert await read(csms, "ActiveNetworkProfile") == "1"


async def test_returns_to_the_one_that_worked_when_all_fail(csms: Csms, yard: Yard) -> None:
    await yard.boot(variables={**SWIFT, "OCPPCommCtrlr.NetworkProfileConnectionAttempts": "1"})
    assert await put(csms, 2, profile(csms.url + "2")) == "Accepted"
    assert await set_variable(csms, "NetworkConfigurationPriority", "2") == "RebootRequired"
    turn_away(csms, "ocpp2", 3)
    await restarted(csms)
    assert paths(csms) == ["ocpp", "ocpp2", "ocpp"]


async def test_registers_anew_where_it_was_not_before(csms: Csms, yard: Yard) -> None:
    await yard.boot(variables={**SWIFT, "OCPPCommCtrlr.NetworkProfileConnectionAttempts": "1"})
    assert await put(csms, 2, profile(csms.url + "2")) == "Accepted"
    assert await set_variable(csms, "NetworkConfigurationPriority", "1,2") == "RebootRequired"
    await restarted(csms)
    turn_away(csms, "ocpp", 1)
    assert csms.connection is not None
    await csms.connection.close()
    await csms.expect("BootNotification", 3)
    assert paths(csms) == ["ocpp", "ocpp", "ocpp", "ocpp2"]
