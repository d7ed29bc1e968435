"""What a station of the harness shows a CSMS, and the commands about it that fit what was asked for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from conformance.peers import csms_credentials as made
from conformance.peers.csms import CsmsServer
from conformance.peers.peer import Patience
from conformance.peers.station import StationPeer
from conformance.pki import Pki
from conformance.wire.certificates import hash_data, read_csr
from conformance.wire.transcript import Transcript

PATIENCE = Patience(answer=2, default=2, actions={})
PKI = Pki.new()
OWN = "a-Password-of-24-letters"


def peer(version: str = "2.0.1") -> StationPeer:
    return StationPeer("CS001", Transcript(), PATIENCE, url="ws://127.0.0.1:9", versions=[version])


@asynccontextmanager
async def at_a_csms(password: str = OWN) -> AsyncIterator[StationPeer]:
    server = CsmsServer(Transcript(), host="127.0.0.1", port=0, path="/ocpp", versions=["2.0.1"], patience=PATIENCE)
    server.peer("CS001", password=password)
    await server.start()
    station = StationPeer("CS001", server.transcript, PATIENCE, url=server.url_of(server.first), password=OWN)
    try:
        yield station
    finally:
        await station.close()
        await server.stop()


async def test_wrong_credentials_are_all_kept_out_and_the_right_ones_let_in() -> None:
    async with at_a_csms() as station:
        for words, changes in made.wrong_credentials("CS001", OWN, stranger="CS002"):
            await made.kept_out(station, words, **changes)
        assert (await made.let_in(station, "the right password", within=0)).is_open


async def test_who_is_let_in_although_it_should_not_is_told() -> None:
    async with at_a_csms() as station:
        with pytest.raises(AssertionError, match="opened a connection for a station with the right password"):
            await made.kept_out(station, "the right password")
        assert station.link is None


async def test_who_is_kept_out_although_it_should_not_is_told_after_a_while() -> None:
    async with at_a_csms("another-password-of-theirs") as station:
        with pytest.raises(AssertionError, match="refused a station with its password"):
            await made.let_in(station, "its password", within=0.1)


async def test_where_nobody_answers_nobody_is_let_in() -> None:
    await made.kept_out(peer(), "anything")


def test_a_new_password_is_text_in_one_version_and_hex_digits_in_the_other() -> None:
    text, digits = made.new_password(peer(), "x" * 16), made.new_password(peer("1.6"), b"\x00\xff" * 8)
    assert text.payload["setVariableData"][0]["attributeValue"] == "x" * 16
    assert digits.payload == {"key": "AuthorizationKey", "value": "00FF" * 8}
    assert digits.fits({"key": "authorizationKey", "value": "00ff" * 8})
    assert made.answers_to(digits, "Rejected") == {"status": "Rejected"}
    assert made.answers_to(text, "Accepted")["setVariableResult"][0]["attributeStatus"] == "Accepted"
    assert (made.longest_password(peer()), made.longest_password(peer("1.6"))) == (40, 20)
    assert (made.refusals(peer()), made.refusals(peer("1.6"))) == (("Rejected",), ("Rejected", "NotSupported"))


def test_requests_to_sign_are_sound_unless_they_are_not_to_be() -> None:
    sound, weak = made.signing_request("S1", "O1"), made.signing_request("S1", "O1", weak=True)
    assert read_csr(sound.csr).signed
    assert read_csr(sound.csr).common_names == ("S1",)
    assert read_csr(weak.csr).key.bits == 1024
    assert not read_csr(made.tampered(sound).csr).signed
    assert "PRIVATE" not in repr(sound)
    assert sound.chain("certificates").key == sound.key


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
def test_a_command_fits_what_was_asked_for(version: str) -> None:
    station = peer(version)
    root, data = PKI.next_root, hash_data(PKI.next_root)
    kind = made.root_of_csms(station)
    for command in (
        made.renewal(station),
        made.install_certificate(kind, root),
        made.installed_certificates(station, kind),
        made.delete_certificate(data),
        made.get_log("SecurityLog", "http://here/"),
        made.signed_update("http://here/", "signature", "certificate", "2026-01-01T00:00:00Z"),
        *(order.command for order in made.orders_up(station, 2, "wss://here/")),
    ):
        assert command.fits(command.payload), command


def test_a_command_does_not_fit_something_else() -> None:
    assert not made.renewal(peer("1.6")).fits({"requestedMessage": "SignChargePointCertificate", "connectorId": 1})
    assert not made.all_certificates().fits({"certificateType": ["V2GRootCertificate"]})
    assert made.installed_certificates(peer(), "MORootCertificate").fits({})


@pytest.mark.parametrize(("version", "of_station", "of_csms"), [
    ("2.0.1", "InvalidChargingStationCertificate", "InvalidCsmsCertificate"),
    ("1.6", "InvalidChargePointCertificate", "InvalidCentralSystemCertificate"),
])  # fmt: skip
def test_events_have_the_names_of_the_version(version: str, of_station: str, of_csms: str) -> None:
    station = peer(version)
    assert made.refused_certificate(station)["type"] == of_station
    assert made.refused_root(station)["type"] == of_csms
    assert made.listing(station, "any", hash_data(PKI.root))["status"] == "Accepted"
    assert made.sign_certificate(station, "csr")["csr"] == "csr"
