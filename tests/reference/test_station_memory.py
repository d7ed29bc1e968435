"""What the reference station remembers: tokens in its cache, readings for the end, events in an outage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conformance.reference.station.authorization import CACHE_SIZE
from conformance.reference.station.metering import EARLY

if TYPE_CHECKING:
    from conformance.reference.station import ReferenceStation
    from tests.reference.conftest import Csms, Yard

pytestmark = pytest.mark.asyncio(loop_scope="function")

ON = {"AuthCacheCtrlr.Enabled": "true"}
PREAUTHORIZED = {**ON, "AuthCtrlr.LocalPreAuthorize": "true"}
CARD = {"idToken": "04AB", "type": "ISO14443"}
GROUP = {"idToken": "FAMILY", "type": "Central"}


def info(status: str = "Accepted", **more: Any) -> dict[str, Any]:
    """What a CSMS says of a token."""
    return {"status": status, **more}


class TestCache:
    async def test_learns_and_asks_no_more(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot(variables=PREAUTHORIZED)
        await station.plug_in(1, 1)
        await station.present_id_token(1, "04AB")
        await csms.expect("TransactionEvent", triggerReason="Authorized")
        await station.unplug(1, 1)
        await csms.expect("TransactionEvent", eventType="Ended")
        await station.present_id_token(1, "04ab")
        await csms.expect("TransactionEvent", 2, eventType="Started")
        assert len(csms.of("Authorize")) == 1

    async def test_outlasts_the_power(self, yard: Yard) -> None:
        station = await yard.boot(variables=ON)
        station.learn(CARD, info())
        await station.power_off()
        await station.power_on()
        assert station.cached(CARD) == info()

    async def test_is_used_only_when_enabled(self, yard: Yard) -> None:
        station = yard.build()
        station.learn(CARD, info())
        assert station.cache == {}
        assert station.on_clear_cache({}) == {"status": "Rejected"}

    async def test_can_be_cleared(self, yard: Yard) -> None:
        station = yard.build(variables=ON)
        station.learn(CARD, info())
        assert station.on_clear_cache({}) == {"status": "Accepted"}
        assert station.cached(CARD) is None

    @pytest.mark.parametrize("kind", ["Central", "NoAuthorization"])
    async def test_holds_no_tokens_that_nobody_presents(self, yard: Yard, kind: str) -> None:
        station = yard.build(variables=ON)
        station.learn({**CARD, "type": kind}, info())
        assert station.cache == {}

    async def test_dates_and_lifetime(self, yard: Yard) -> None:
        station = yard.build(variables={**ON, "AuthCacheCtrlr.LifeTime": "60"})
        station.learn(CARD, info())
        station.clock.offset += 59
        assert station.cached(CARD) is not None
        station.clock.offset += 2
        assert station.cached(CARD) is None
        station.learn(CARD, info(cacheExpiryDateTime="2100-01-01T00:00:00Z"))
        station.clock.offset += 3600
        assert station.cached(CARD) is not None, "the date counts before the lifetime"
        station.learn(CARD, info(cacheExpiryDateTime="2001-01-01T00:00:00Z"))
        assert station.cache == {}

    async def test_makes_room(self, yard: Yard) -> None:
        station = yard.build(variables=ON)
        for number in range(CACHE_SIZE):
            station.learn({**CARD, "idToken": f"{number}"}, info("Blocked" if number in (3, 5) else "Accepted"))
        station.learn(CARD, info())
        assert len(station.cache) == CACHE_SIZE - 1
        assert station.cached({**CARD, "idToken": "3"}) is None
        assert station.cached({**CARD, "idToken": "0"}) is not None
        station.learn({**CARD, "idToken": "last"}, info())
        station.learn({**CARD, "idToken": "very last"}, info())
        assert len(station.cache) == CACHE_SIZE
        assert station.cached({**CARD, "idToken": "0"}) is None

    @pytest.mark.parametrize(
        ("known", "settings", "status"),
        [
            ("Accepted", {}, "Accepted"),
            ("Accepted", {"AuthCtrlr.LocalAuthorizeOffline": "false"}, "NotAtThisTime"),
            ("Blocked", {}, "Blocked"),
            (None, {}, "Accepted"),
            (None, {"AuthCtrlr.OfflineTxForUnknownIdEnabled": "false"}, "Unknown"),
        ],
    )
    async def test_offline(self, yard: Yard, known: str | None, settings: dict[str, str], status: str) -> None:
        station = yard.build(variables={**ON, **settings})
        if known is not None:
            station.learn(CARD, info(known))
        assert station.authorize_offline(CARD)["status"] == status

    async def test_a_friend_in_the_cache_stops_without_asking(self, csms: Csms, yard: Yard) -> None:
        csms.script["Authorize"] = [{"idTokenInfo": info(groupIdToken=GROUP)}]
        station = await yard.boot(variables=ON)
        station.learn({**CARD, "idToken": "FRIEND"}, info(groupIdToken=GROUP))
        station.learn({**CARD, "idToken": "STRANGER"}, info())
        await station.plug_in(1, 1)
        await station.present_id_token(1, "04AB")
        await csms.expect("TransactionEvent", triggerReason="Authorized")
        assert not station.stops_without_asking(station.evses[1].session, {**CARD, "idToken": "STRANGER"})
        await station.present_id_token(1, "FRIEND")
        ended = await csms.expect("TransactionEvent", eventType="Ended")
        assert ended["idToken"]["idToken"] == "FRIEND"
        assert len(csms.of("Authorize")) == 1


async def charging(csms: Csms, station: ReferenceStation) -> None:
    """Charge on the first EVSE."""
    await station.plug_in(1, 1)
    await station.present_id_token(1, "04AB")
    await csms.expect("TransactionEvent", triggerReason="ChargingStateChanged")


class TestReadings:
    async def test_events_and_meter_values_by_the_clock(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot(variables={"AlignedDataCtrlr.Interval": "1"})
        await charging(csms, station)
        values = await csms.expect("MeterValues")
        assert values["evseId"] == 2
        assert {each["context"] for each in values["meterValue"][0]["sampledValue"]} == {"Sample.Clock"}
        event = await csms.expect("TransactionEvent", triggerReason="MeterValueClock")
        assert event["meterValue"][0]["sampledValue"][0]["context"] == "Sample.Clock"

    async def test_a_new_interval_counts_at_once(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot(variables={"SampledDataCtrlr.TxUpdatedInterval": "3600"})
        await charging(csms, station)
        item = {"component": {"name": "SampledDataCtrlr"}, "variable": {"name": "TxUpdatedInterval"}}
        await csms.call("SetVariables", {"setVariableData": [{**item, "attributeValue": "1"}]})
        await csms.expect("TransactionEvent", triggerReason="MeterValuePeriodic")

    async def test_the_end_has_what_was_kept_even_after_a_power_cut(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot()
        await charging(csms, station)
        station.keep_reading(station.evses[1], "Sample.Periodic", "SampledDataCtrlr")
        station.keep_aligned_values()
        await station.power_off()
        await station.power_on()
        ended = await csms.expect("TransactionEvent", eventType="Ended")
        contexts = [each["sampledValue"][0]["context"] for each in ended["meterValue"]]
        assert contexts == ["Transaction.Begin", "Sample.Periodic", "Sample.Clock", "Transaction.End"]

    async def test_the_day_is_divided_evenly(self, yard: Yard) -> None:
        station = yard.build(variables={"AlignedDataCtrlr.Interval": "900"})
        wait = station.seconds_to_alignment("Interval")
        assert wait is not None
        assert 0 < wait <= 900 + EARLY
        assert station.seconds_to_alignment("TxEndedInterval") is None

    @pytest.mark.parametrize(
        ("rule", "sent"),
        [("Never", [False, False]), ("OncePerTransaction", [True, False]), ("EveryMeterValue", [True, True])],
    )
    async def test_public_key(self, csms: Csms, yard: Yard, rule: str, sent: list[bool]) -> None:
        station = await yard.boot(variables={"OCPPCommCtrlr.PublicKeyWithSignedMeterValue": rule})
        await charging(csms, station)
        assert [bool(station.public_key_to_send(station.evses[1])) for _ in sent] == sent


class TestQueue:
    async def test_thins_out_what_it_can_do_without(self, csms: Csms, yard: Yard) -> None:
        station = await yard.boot(queue_capacity=10)
        await charging(csms, station)
        await station.cut_network()
        for _ in range(20):
            await station.ev_suspend(1)
            await station.ev_ready(1)
        await station.unplug(1, 1)
        assert len(station.queued_events()) <= 10
        await station.restore_network()
        await csms.expect("TransactionEvent", eventType="Ended")
        numbers = [event["seqNo"] for event in csms.of("TransactionEvent")]
        assert numbers == sorted(numbers)
        assert numbers[0] == 0
        assert numbers[-1] > 20
