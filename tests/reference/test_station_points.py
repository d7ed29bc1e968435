"""Start and stop points of the reference station, and what an EV does that comes, stops and leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.reference.conftest import Csms, Yard

pytestmark = pytest.mark.asyncio(loop_scope="function")

EVENT = "TransactionEvent"


def points(start: str = "EVConnected,Authorized", stop: str = "EVConnected,Authorized", **more: str) -> dict[str, str]:
    named = {"signs": "SampledDataCtrlr.SignReadings", "stays": "TxCtrlr.StopTxOnEVSideDisconnect"}
    named |= {"unlocks": "OCPPCommCtrlr.UnlockOnEVSideDisconnect", "seconds": "TxCtrlr.EVConnectionTimeOut"}
    return {"TxCtrlr.TxStartPoint": start, "TxCtrlr.TxStopPoint": stop} | {named[key]: more[key] for key in more}


def told(csms: Csms) -> list[tuple[str, str, Any, Any]]:
    return [
        (
            event["eventType"],
            event["triggerReason"],
            event["transactionInfo"]["chargingState"],
            event["transactionInfo"].get("stoppedReason"),
        )
        for event in csms.of(EVENT)
    ]


async def test_energy_opens_and_closes_a_transaction(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(variables=points("EnergyTransfer", "EnergyTransfer"))
    await station.ev_suspend(1)
    await station.plug_in(1, 1)
    await station.present_id_token(1, "A")
    await csms.expect("Authorize")
    await csms.call("GetLocalListVersion")
    assert told(csms) == []
    await station.ev_ready(1)
    await csms.expect(EVENT)
    assert station.evses[1].meter.power > 0
    await station.ev_suspend(1)
    await csms.expect(EVENT, 2)
    assert told(csms) == [
        ("Started", "ChargingStateChanged", "Charging", None),
        ("Ended", "ChargingStateChanged", "SuspendedEV", "StoppedByEV"),
    ]


async def test_a_signed_reading_opens_a_transaction(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(variables=points("DataSigned", signs="true"))
    await station.plug_in(1, 1)
    await station.present_id_token(1, "A")
    started = await csms.expect(EVENT)
    assert started["triggerReason"] == "SignedDataReceived"
    assert started["meterValue"][0]["sampledValue"][0]["signedMeterValue"]["encodingMethod"] == "OCMF"


async def test_the_parking_bay_opens_and_closes_a_transaction(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(variables=points("ParkingBayOccupancy", "ParkingBayOccupancy"))
    await station.ev_arrive(1)
    await station.plug_in(1, 1)
    await station.present_id_token(1, "A")
    await csms.expect(EVENT, transactionInfo={**(await csms.expect(EVENT, 3))["transactionInfo"]})
    await csms.expect(EVENT, 4)
    await station.unplug(1, 1)
    await csms.expect(EVENT, 5)
    await station.ev_depart(1)
    await csms.expect(EVENT, 6)
    assert told(csms)[0] == ("Started", "EVDetected", "Idle", None)
    assert told(csms)[4:] == [
        ("Updated", "EVCommunicationLost", "Idle", None),
        ("Ended", "EVDeparted", "Idle", "Local"),
    ]


async def test_a_bay_that_is_no_stop_point_and_a_plug_that_does_not_come(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(variables=points("ParkingBayOccupancy", seconds="1"))
    await station.ev_depart(1)
    await station.ev_arrive(1)
    await csms.expect(EVENT)
    await station.ev_depart(1)
    await csms.expect(EVENT, 2)
    assert told(csms)[1] == ("Updated", "EVDeparted", "Idle", None)


async def test_no_plug_in_time_before_the_bay_is_left(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(variables=points("Authorized", "ParkingBayOccupancy", seconds="1"))
    await station.present_id_token(1, "A")
    late = await csms.expect(EVENT, 2)
    assert (late["eventType"], late["triggerReason"]) == ("Updated", "EVConnectTimeout")
    assert not station.evses[1].session.authorized


async def test_the_ev_ends_it(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(variables=points(stop="Authorized"))
    await station.plug_in(1, 1)
    await station.ev_stop(1)
    await station.present_id_token(1, "A")
    await csms.expect(EVENT, 3)
    await station.ev_stop(1)
    await csms.expect(EVENT, 4)
    assert told(csms)[3] == ("Ended", "StopAuthorized", "EVConnected", "StoppedByEV")


async def test_a_refused_token_stops_the_energy(csms: Csms, yard: Yard) -> None:
    variables = points(stop="EnergyTransfer") | {"TxCtrlr.StopTxOnInvalidId": "false"}
    station = await yard.boot(variables=variables)
    await station.plug_in(1, 1)
    await station.present_id_token(1, "A")
    await csms.expect(EVENT, 3)
    station.deauthorize(station.evses[1])
    await csms.expect(EVENT, 4)
    assert told(csms)[3] == ("Ended", "ChargingStateChanged", "SuspendedEVSE", "DeAuthorized")


@pytest.mark.parametrize("unlocks", ["true", "false"])
async def test_a_cable_without_its_ev(csms: Csms, yard: Yard, unlocks: str) -> None:
    station = await yard.boot(variables=points(unlocks=unlocks))
    await station.plug_in(1, 2)
    await station.present_id_token(1, "A")
    await csms.expect(EVENT, 3)
    await station.disconnect_ev(1, 1)
    await station.disconnect_ev(1, 2)
    await csms.expect(EVENT, eventType="Ended")
    assert station.connector_status(1, 2) == "Occupied"
    if unlocks == "false":
        with pytest.raises(ValueError, match="locked"):
            await station.unplug(1, 2)
        await station.present_id_token(1, "B")
        await station.plug_in(1, 2)
        await station.disconnect_ev(1, 2)
        await station.present_id_token(1, "A")
        await csms.call("GetLocalListVersion")
    await station.unplug(1, 2)
    await csms.expect("StatusNotification", connectorId=2, connectorStatus="Available", evseId=1)
    assert station.connector_status(1, 2) == "Available"


async def test_an_ev_that_stays_away(csms: Csms, yard: Yard) -> None:
    station = await yard.boot(variables=points(stop="Authorized", stays="false", seconds="1"))
    await station.plug_in(1, 1)
    await station.present_id_token(1, "A")
    await csms.expect(EVENT, 3)
    await station.disconnect_ev(1, 1)
    await csms.expect(EVENT, 5)
    assert told(csms)[3:] == [
        ("Updated", "EVCommunicationLost", "Idle", None),
        ("Ended", "EVConnectTimeout", "Idle", "Timeout"),
    ]
