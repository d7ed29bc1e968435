"""The variety of what a station may lawfully say, by version: boots, states, times, security events.

Each message comes with a few words for what is special about it. `Said` is the action and the payload.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias

from conformance.peers import v16, v201
from conformance.peers.equipment import stamp
from conformance.peers.station import StationPeer
from conformance.peers.station_v16 import Station16

Said: TypeAlias = tuple[str, Mapping[str, Any]]

_VENDOR = "com.example.conformance"
_CUSTOM = {"vendorId": _VENDOR, "shift": {"of": [1, 2.5, None, True]}, "note": "grün, 充电"}

_REASONS = (
    *("ApplicationReset", "FirmwareUpdate", "LocalReset", "PowerUp", "RemoteReset", "ScheduledReset"),
    *("Triggered", "Unknown", "Watchdog"),
)
_STATES_201 = ("Occupied", "Reserved", "Unavailable", "Faulted", "Available")
_STATES_16 = (
    *("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing"),
    *("Reserved", "Unavailable", "Available"),
)
_STATION_STATES_16 = ("Unavailable", "Available")
_FAULTS_16 = (
    *("ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError"),
    *("LocalListConflict", "OtherError", "OverCurrentFailure", "OverVoltage", "PowerMeterFailure"),
    *("PowerSwitchFailure", "ReaderFailure", "ResetFailure", "UnderVoltage", "WeakSignal"),
)


# -- boots ------------------------------------------------------------------------------------------------------------


def boots(station: StationPeer) -> dict[str, Mapping[str, Any]]:
    """BootNotifications: with as little as there may be, with all there can be, and at full length."""
    if isinstance(station.dialect, Station16):
        return _boots_16(station.identity)
    return _boots_201(station.identity)


def _boots_201(identity: str) -> dict[str, Mapping[str, Any]]:
    least = {"reason": "PowerUp", "chargingStation": {"vendorName": "C", "model": "H"}}
    modem = {"iccid": "89310410106543789301", "imsi": "310410123456789"}
    full: dict[str, Any] = {
        "reason": "PowerUp",
        "chargingStation": {
            "vendorName": "Conformance",
            "model": "Harness",
            "serialNumber": identity[:25],
            "firmwareVersion": "1.0-rc.2+build/7",
            "modem": modem,
        },
    }
    lengthy = {
        "vendorName": "V" * 50,
        "model": "M" * 20,
        "serialNumber": identity[:25],
        "firmwareVersion": "1." * 25,
        "modem": {"iccid": "8" * 20, "imsi": "3" * 20},
    }
    found: dict[str, Mapping[str, Any]] = {
        "only what is required": least,
        "every field": full,
        "texts of full length": {**full, "chargingStation": lengthy},
        "letters from all over the world": {
            **full,
            "chargingStation": {"vendorName": "Ladesäule 充电 ⚡", "model": "Größe \\ 'XL' <3>"},
        },
        "customData everywhere": {
            "reason": "PowerUp",
            "customData": _CUSTOM,
            "chargingStation": {
                **full["chargingStation"],
                "customData": {"vendorId": _VENDOR},
                "modem": {**modem, "customData": _CUSTOM},
            },
        },
    }
    return found | {f"reason {each}": {**full, "reason": each} for each in _REASONS}


def _boots_16(identity: str) -> dict[str, Mapping[str, Any]]:
    full = {
        "chargePointVendor": "Conformance",
        "chargePointModel": "Harness",
        "chargePointSerialNumber": identity[:25],
        "chargeBoxSerialNumber": identity[:25],
        "firmwareVersion": "1.0-rc.2+build/7",
        "iccid": "89310410106543789301",
        "imsi": "310410123456789",
        "meterType": "DBT NQC-ACDC",
        "meterSerialNumber": "gir.vat.mx.000e48",
    }
    return {
        "only what is required": {"chargePointVendor": "C", "chargePointModel": "H"},
        "every field": full,
        "texts of full length": {
            **full,
            "chargePointVendor": "V" * 20,
            "chargePointModel": "M" * 20,
            "firmwareVersion": "1." * 25,
            "iccid": "8" * 20,
            "imsi": "3" * 20,
            "meterType": "T" * 25,
            "meterSerialNumber": "S" * 25,
        },
        "letters from all over the world": {
            "chargePointVendor": "Ladesäule 充电 ⚡",
            "chargePointModel": "Größe \\ 'XL' <3>",
        },
    }


# -- states -----------------------------------------------------------------------------------------------------------


def states(station: StationPeer) -> Iterator[tuple[str, Said]]:
    """Every state that a connector can have, of every connector, told in every way; the last one is Available."""
    if isinstance(station.dialect, Station16):
        yield from _states_16(station, station.dialect)
    else:
        yield from _states_201(station)


def _states_201(station: StationPeer) -> Iterator[tuple[str, Said]]:
    event = 0
    for evse, connector in station.equipment.connectors:
        for status in _STATES_201:
            told = v201.status_notification(evse.id, connector.id, status)
            yield f"{status} of connector {evse.id}/{connector.id}", ("StatusNotification", told)
            event += 1
            yield f"{status} of connector {evse.id}/{connector.id}", _state_event(event, evse.id, connector.id, status)
    evse, connector = station.equipment.connectors[0]
    told = v201.status_notification(evse.id, connector.id, "Available")
    yield "a status with customData", ("StatusNotification", {**told, "customData": _CUSTOM})


def state_event(station: StationPeer) -> Said:
    """A NotifyEvent, which 2.0.1 has and 1.6 has not, that says that the first connector is available."""
    evse, connector = station.equipment.connectors[0]
    return _state_event(1, evse.id, connector.id, "Available")


def _state_event(number: int, evse: int, connector: int, status: str) -> Said:
    at = v201.now()
    event = {
        "eventId": number,
        "timestamp": at,
        "trigger": "Delta",
        "actualValue": status,
        "eventNotificationType": "HardWiredNotification",
        "component": {"name": "Connector", "evse": {"id": evse, "connectorId": connector}},
        "variable": {"name": "AvailabilityState"},
    }
    return "NotifyEvent", {"generatedAt": at, "seqNo": 0, "tbc": False, "eventData": [event]}


def _states_16(station: StationPeer, dialect: Station16) -> Iterator[tuple[str, Said]]:
    for status in _STATION_STATES_16:
        yield f"{status} of the station", ("StatusNotification", v16.status_notification(0, status))
    first = dialect.number(*station.equipment.connectors[0])
    for error in _FAULTS_16:
        yield f"Faulted by {error}", ("StatusNotification", v16.status_notification(first, "Faulted", error=error))
    told = v16.status_notification(first, "Faulted", error="OtherError")
    more = {"info": "i" * 50, "vendorId": "v" * 255, "vendorErrorCode": "e" * 50}
    yield "a fault with a vendor's own code", ("StatusNotification", {**told, **more})
    for place in station.equipment.connectors:
        for status in _STATES_16:
            number = dialect.number(*place)
            told = v16.status_notification(number, status)
            yield f"{status} of connector {number}", ("StatusNotification", told)
            if status == "Charging":
                bare = {key: value for key, value in told.items() if key != "timestamp"}
                yield f"{status} of connector {number}, without a time", ("StatusNotification", bare)


# -- times ------------------------------------------------------------------------------------------------------------


def times(station: StationPeer) -> Iterator[tuple[str, Said]]:
    """The state of the first connector, with its time written in every way in which a time can be."""
    moment = station.equipment.clock.now()
    for words, written in _written(moment).items():
        yield words, _state_at(station, written)


def _written(moment: datetime) -> dict[str, str]:
    east, west = timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-3, minutes=-30))
    whole = moment.replace(microsecond=0)
    return {
        "whole seconds, Z": whole.isoformat().replace("+00:00", "Z"),
        "milliseconds, Z": stamp(moment),
        "one decimal, Z": f"{whole.isoformat().removesuffix('+00:00')}.5Z",
        "an offset of nothing": whole.isoformat(),
        "an offset to the east": whole.astimezone(east).isoformat(),
        "an offset to the west, milliseconds": moment.astimezone(west).isoformat(timespec="milliseconds"),
    }


def strange_times(station: StationPeer) -> Iterator[tuple[str, Said]]:
    """The same from a station whose clock is wrong."""
    moment = station.equipment.clock.now()
    wrong = {
        "a clock that was never set": "1970-01-01T00:00:07Z",
        "a clock that is an hour late": stamp(moment - timedelta(hours=1)),
        "a clock that is two days early": stamp(moment + timedelta(days=2)),
        "a clock that is past 2038": "2040-02-29T23:59:59Z",
    }
    for words, written in wrong.items():
        yield words, _state_at(station, written)


def _state_at(station: StationPeer, written: str) -> Said:
    evse, connector = station.equipment.connectors[0]
    if isinstance(station.dialect, Station16):
        number = station.dialect.number(evse, connector)
        return "StatusNotification", v16.status_notification(number, "Available", at=written)
    return "StatusNotification", v201.status_notification(evse.id, connector.id, "Available", at=written)


# -- security events --------------------------------------------------------------------------------------------------


def security_events(station: StationPeer) -> Iterator[tuple[str, Said]]:
    """Security events: one that the documents name, one that they don't, and one with all that can be told."""
    at = stamp(station.equipment.clock.now())
    yield "a start", ("SecurityEventNotification", {"type": "StartupOfTheDevice", "timestamp": at})
    yield "an event of a vendor's own", ("SecurityEventNotification", {"type": "CoffeeSpilt", "timestamp": at})
    full = {"type": "T" * 50, "timestamp": at, "techInfo": "i" * 255}
    yield "texts of full length", ("SecurityEventNotification", full)


# -- what must wait until the boot is accepted ------------------------------------------------------------------------


def premature(station: StationPeer, id_token: Mapping[str, str]) -> list[Said]:
    """What a station has to keep to itself before it was accepted, one of each kind; nothing of it starts anything."""
    at = stamp(station.equipment.clock.now())
    if isinstance(station.dialect, Station16):
        stopped = {"transactionId": -1, "meterStop": 0, "timestamp": at, "reason": "PowerLoss"}
        return [
            ("Heartbeat", {}),
            ("StatusNotification", v16.status_notification(1, "Available", at=at)),
            ("Authorize", {"idTag": id_token["idToken"]}),
            ("MeterValues", {"connectorId": 1, "meterValue": [v16.meter_value(0, watts=0, at=at)]}),
            ("StopTransaction", stopped),
        ]
    evse, connector = station.equipment.connectors[0]
    ended = {
        "eventType": "Ended",
        "timestamp": at,
        "triggerReason": "AbnormalCondition",
        "seqNo": 1,
        "transactionInfo": {"transactionId": "left-over-from-before", "stoppedReason": "PowerLoss"},
    }
    return [
        ("Heartbeat", {}),
        ("StatusNotification", v201.status_notification(evse.id, connector.id, "Available", at=at)),
        state_event(station),
        ("SecurityEventNotification", {"type": "StartupOfTheDevice", "timestamp": at}),
        ("Authorize", {"idToken": dict(id_token)}),
        ("TransactionEvent", ended),
    ]
