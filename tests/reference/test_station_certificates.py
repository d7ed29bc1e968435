"""Certificates at the reference station: roots over OCPP, renewal of its own, and the way to a higher profile."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from conformance.pki import Pki
from conformance.reference.station import ReferenceStation, SecuritySetup
from conformance.reference.station.device_model import Component
from tests.reference.conftest import Csms, csms_running
from tests.reference.test_station_security import Scene, now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="function")

OPERATOR = "Conformance Operator"
ROOT = "CSMSRootCertificate"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.new(root_key="ECDSA")


def context(pki: Pki, tmp_path: Any, *, clients: bool = False) -> ssl.SSLContext:
    chain = pki.server()[1]
    file = tmp_path / "server.pem"
    file.write_text(chain.key + chain.certificates)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(file)
    if clients:
        made.load_verify_locations(cadata=pki.root)
        made.verify_mode = ssl.CERT_REQUIRED
    return made


@asynccontextmanager
async def scene(secure: ssl.SSLContext | None = None) -> AsyncIterator[Scene]:
    async with csms_running(secure) as csms:
        made = Scene(csms, secure)  # type: ignore[arg-type]
        answers = [{"currentTime": now().isoformat(), "interval": 300, "status": "Accepted"} for _ in range(20)]
        csms.script["BootNotification"] = answers
        try:
            yield made
        finally:
            for station in made.stations:
                await station.power_off()


def setup(pki: Pki, profile: int, **more: str) -> SecuritySetup:
    own = pki.station()
    given = {"roots": pki.root, "certificate": own.certificates, "key": own.key, **more}
    return SecuritySetup(profile, organization=OPERATOR, **given)


async def plain(yard: Scene, **more: Any) -> ReferenceStation:
    """A station in profile 1 without certificates, or with some."""
    station = yard.build(more.pop("security", SecuritySetup(organization=OPERATOR)), **more)
    station.config.csms_url = yard.csms.url
    await station.power_on()
    await yard.csms.expect("SecurityEventNotification", type="StartupOfTheDevice")
    await yard.csms.call("GetLocalListVersion")
    return station


async def install(csms: Csms, pem: str, use: str = ROOT) -> str:
    answer = await csms.call("InstallCertificate", {"certificateType": use, "certificate": pem})
    return " ".join((answer["status"], *answer.get("statusInfo", {}).values()))


async def installed(csms: Csms, *uses: str) -> list[dict[str, Any]]:
    answer = await csms.call("GetInstalledCertificateIds", {"certificateType": list(uses)} if uses else {})
    assert (answer["status"] == "Accepted") == ("certificateHashDataChain" in answer)
    return answer.get("certificateHashDataChain", [])


async def delete(csms: Csms, hash_data: dict[str, Any]) -> str:
    return str((await csms.call("DeleteCertificate", {"certificateHashData": hash_data}))["status"])


async def entries(csms: Csms) -> int:
    place = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "CertificateEntries"}}
    answer = await csms.call("GetVariables", {"getVariableData": [place]})
    return int(answer["getVariableResult"][0]["attributeValue"])


# -- roots


async def test_roots_are_installed_listed_and_deleted(pki: Pki) -> None:
    async with scene() as yard:
        await plain(yard)
        csms = yard.csms
        assert await installed(csms) == []
        assert await install(csms, pki.root) == "Accepted"
        assert await install(csms, pki.root) == "Accepted"
        assert await install(csms, pki.manufacturer_root, "ManufacturerRootCertificate") == "Accepted"
        assert await entries(csms) == 2
        (listed,) = await installed(csms, ROOT)
        assert listed["certificateType"] == ROOT
        assert len(await installed(csms)) == 2
        assert await delete(csms, {**listed["certificateHashData"], "serialNumber": "1"}) == "NotFound"
        assert await delete(csms, listed["certificateHashData"]) == "Accepted"
        assert await delete(csms, listed["certificateHashData"]) == "NotFound"
        assert await entries(csms) == 1


async def test_roots_that_are_none_are_refused(pki: Pki) -> None:
    leaf = pki.station().certificates
    async with scene() as yard:
        station = await plain(yard)
        for bad in ("no certificate", leaf, pki.root + pki.other_root):
            assert await install(yard.csms, bad) == "Rejected InvalidCertificate"
        station.model.find(Component("SecurityCtrlr"), "CertificateEntries").maximum = 1
        assert await install(yard.csms, pki.root) == "Accepted"
        assert await install(yard.csms, pki.other_root) == "Rejected NoRoom"
        assert await entries(yard.csms) == 1


async def test_the_root_in_use_and_the_own_certificate_stay(pki: Pki, tmp_path: Any) -> None:
    async with scene(context(pki, tmp_path, clients=True)) as yard:
        station = await yard.boot(setup(pki, 3))
        (listed,) = await installed(yard.csms)
        assert await delete(yard.csms, listed["certificateHashData"]) == "Failed"
        own = station.certificates.own_hash_data(station.certificates.own()[0])
        assert await delete(yard.csms, own) == "Failed"
        assert await install(yard.csms, pki.other_root) == "Accepted"
        assert await delete(yard.csms, listed["certificateHashData"]) == "Accepted"


async def test_a_new_root_has_to_be_signed_by_the_old_one_and_replaces_it_when_it_works(
    pki: Pki, tmp_path: Any
) -> None:
    checked = {"SecurityCtrlr.AdditionalRootCertificateCheck": "true"}
    secure = context(pki, tmp_path)
    async with scene(secure) as yard:
        station = await yard.boot(setup(pki, 2), variables=checked)
        assert await install(yard.csms, pki.bare_root) == "Rejected NotSignedByOldRoot"
        assert await install(yard.csms, pki.next_root) == "Accepted"
        assert await entries(yard.csms) == 2
        before = len(yard.csms.connections)
        await station.come_back()
        await yard.csms.until(lambda: len(yard.csms.connections) > before)
        await yard.csms.call("GetLocalListVersion")
        assert await entries(yard.csms) == 2  # it is the old one that was needed
        chain = pki.server("next")[1]
        file = tmp_path / "next.pem"
        file.write_text(chain.key + chain.certificates)
        secure.load_cert_chain(file)
        await station.come_back()
        await yard.csms.until(lambda: len(yard.csms.connections) > before + 1)
        await yard.csms.call("GetLocalListVersion")
        assert await entries(yard.csms) == 1


# -- the own certificate


async def trigger(csms: Csms) -> None:
    answer = await csms.call("TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"})
    assert answer["status"] == "Accepted"


async def sign(csms: Csms, chain: str) -> str:
    return str((await csms.call("CertificateSigned", {"certificateChain": chain}))["status"])


ACCEPT = {"status": "Accepted"}
SLOW = {"SecurityCtrlr.CertSigningWaitMinimum": "60"}


async def test_a_certificate_is_renewed_and_used(pki: Pki, tmp_path: Any) -> None:
    async with scene(context(pki, tmp_path, clients=True)) as yard:
        csms = yard.csms
        csms.script["SignCertificate"] = [ACCEPT]
        station = await yard.boot(setup(pki, 3), variables=SLOW)
        await trigger(csms)
        asked = await csms.expect("SignCertificate")
        assert asked["certificateType"] == "ChargingStationCertificate"
        old = shown(csms)
        assert await sign(csms, pki.sign(asked["csr"])) == "Accepted"
        await csms.until(lambda: len(csms.connections) == 2)
        await csms.call("GetLocalListVersion")
        assert shown(csms) != old
        assert len(station.certificates.own()) == 1
        assert csms.of("BootNotification")[1:] == []


def shown(csms: Csms) -> bytes:
    assert csms.connection is not None
    return csms.connection.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)


BAD = (
    "expired",
    "not-yet-valid",
    "other-root",
    "self-signed",
    "signed-by-a-station",
    "missing-intermediate",
    "expired-intermediate",
    "wrong-cn",
    "wrong-o",
    "no-o",
    "url-as-cn",
    "sha1",
    "wrong-usage",
)


@pytest.mark.parametrize("what", [*BAD, "other-key"])
async def test_a_bad_certificate_is_refused_and_told(pki: Pki, what: str) -> None:
    wrong = {"key": "other"} if what == "other-key" else {"defect": what}
    async with scene() as yard:
        csms = yard.csms
        csms.script["SignCertificate"] = [ACCEPT]
        station = await plain(yard, security=setup(pki, 1), variables=SLOW)
        await trigger(csms)
        asked = await csms.expect("SignCertificate")
        assert await sign(csms, pki.sign(asked["csr"], **wrong)) == "Rejected"
        await csms.expect("SecurityEventNotification", type="InvalidChargingStationCertificate")
        assert len(station.certificates.own()) == 1


async def test_what_was_not_asked_for_or_is_too_long_is_refused(pki: Pki) -> None:
    async with scene() as yard:
        await plain(yard, security=setup(pki, 1))
        assert await sign(yard.csms, pki.station().certificates) == "Rejected"
        assert await sign(yard.csms, "x" * 6001) == "Rejected"


async def test_a_certificate_is_asked_for_again(pki: Pki) -> None:
    quick = {"SecurityCtrlr.CertSigningWaitMinimum": "0.05", "SecurityCtrlr.CertSigningRepeatTimes": "2"}
    async with scene() as yard:
        csms = yard.csms
        csms.script["SignCertificate"] = [ACCEPT] * 5
        await plain(yard, variables=quick)
        await trigger(csms)
        await csms.expect("SignCertificate", 4)
        times = [message.at for message in csms.messages if message.action == "SignCertificate"]
        assert times[2] - times[1] > times[1] - times[0] > 0.04
        await csms.silence(0.5)


async def test_a_new_certificate_that_does_not_work_goes_again(pki: Pki, tmp_path: Any) -> None:
    secure = context(pki, tmp_path, clients=True)
    async with scene(secure) as yard:
        csms = yard.csms
        csms.script["SignCertificate"] = [ACCEPT]
        station = await yard.boot(setup(pki, 3), variables=SLOW)
        await trigger(csms)
        asked = await csms.expect("SignCertificate")
        old = shown(csms)
        csms.refuse = lambda link: link.respond(403, "") if shown_by(link) != old else None
        assert await sign(csms, pki.sign(asked["csr"])) == "Accepted"
        await csms.expect("SecurityEventNotification", type="DiscardedRenewedClientCertificate")
        assert shown(csms) == old
        assert len(station.certificates.own()) == 1


def shown_by(link: Any) -> bytes:
    return link.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)


async def test_a_certificate_that_has_ended_is_tried_and_renewed(pki: Pki, tmp_path: Any) -> None:
    expired = pki.station_zoo["expired"]
    async with scene(context(pki, tmp_path)) as yard:
        yard.csms.script["SignCertificate"] = [ACCEPT]
        await yard.boot(setup(pki, 3, certificate=expired.certificates, key=expired.key), variables=SLOW)
        await yard.csms.expect("SignCertificate")


# -- a higher profile


async def set_network_profile(csms: Csms, slot: int, url: str, security: int) -> str:
    data = {"ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": url, "messageTimeout": 30}
    data |= {"securityProfile": security, "ocppInterface": "Wired0"}
    answer = await csms.call("SetNetworkProfile", {"configurationSlot": slot, "connectionData": data})
    return str(answer["status"])


async def set_variable(csms: Csms, component: str, name: str, value: str) -> str:
    place = {"component": {"name": component}, "variable": {"name": name}}
    answer = await csms.call("SetVariables", {"setVariableData": [{**place, "attributeValue": value}]})
    return str(answer["setVariableResult"][0]["attributeStatus"])


async def prioritise(csms: Csms, value: str) -> str:
    return await set_variable(csms, "OCPPCommCtrlr", "NetworkConfigurationPriority", value)


async def test_up_to_a_higher_profile_and_never_back(pki: Pki, tmp_path: Any) -> None:
    async with scene() as low, scene(context(pki, tmp_path, clients=True)) as high:
        station = await plain(low, security=setup(pki, 1))
        secure_url = f"wss://localhost:{high.csms.port}/ocpp"
        assert await set_network_profile(low.csms, 2, secure_url, 3) == "Accepted"
        assert await prioritise(low.csms, "2,1") == "RebootRequired"
        await low.csms.call("Reset", {"type": "OnIdle"})
        await high.csms.expect("SecurityEventNotification", type="ResetOrReboot")
        await high.csms.call("GetLocalListVersion")
        assert station.model.text("SecurityCtrlr", "SecurityProfile") == "3"
        assert station.model.text("OCPPCommCtrlr", "NetworkConfigurationPriority") == "2"
        assert await prioritise(high.csms, "2,1") == "Rejected"
        assert await set_network_profile(high.csms, 1, low.csms.url, 1) == "Rejected"
        assert await set_network_profile(high.csms, 3, secure_url, 2) == "Rejected"
        assert await set_variable(high.csms, "SecurityCtrlr", "AllowSecurityProfileDowngrade", "true") == "Accepted"
        assert await set_network_profile(high.csms, 3, secure_url, 2) == "Accepted"
        assert await prioritise(high.csms, "3,2") == "RebootRequired"
        assert await set_network_profile(high.csms, 1, low.csms.url, 1) == "Rejected"


@pytest.mark.parametrize(("security", "lacks"), [(2, "roots"), (3, "roots"), (3, "certificate")])
async def test_no_higher_profile_without_what_it_needs(pki: Pki, security: int, lacks: str) -> None:
    given = {lacks: ""} | ({"key": ""} if lacks == "certificate" else {})
    async with scene() as yard:
        await plain(yard, security=setup(pki, 1, **given))
        assert await set_network_profile(yard.csms, 2, "wss://localhost:1/ocpp", security) == "Accepted"
        assert await prioritise(yard.csms, "2,1") == "Rejected"
        assert await prioritise(yard.csms, "1") == "RebootRequired"


async def test_back_to_what_worked_when_the_higher_profile_does_not(pki: Pki) -> None:
    async with scene() as yard:
        station = await plain(yard, security=setup(pki, 1))
        assert await set_network_profile(yard.csms, 2, "wss://localhost:1/ocpp", 2) == "Accepted"
        assert await prioritise(yard.csms, "2") == "RebootRequired"
        await yard.csms.call("Reset", {"type": "OnIdle"})
        await yard.csms.expect("BootNotification", 2)
        assert station.model.text("SecurityCtrlr", "SecurityProfile") == "1"
