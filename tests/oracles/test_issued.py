"""What a CSMS sends as a certificate is one for the request."""

from datetime import UTC, datetime, timedelta

import pytest

from conformance.oracles.issued import faults_of_issued
from conformance.peers.csms_credentials import signing_request
from conformance.pki import Pki

PKI = Pki.new()
REQUEST = signing_request(PKI.serial, PKI.operator)
NOW = datetime.now(UTC)


def test_a_good_chain_has_no_faults() -> None:
    assert faults_of_issued(PKI.sign(REQUEST.csr), REQUEST.csr, NOW) == []


def test_what_is_no_pem_is_told() -> None:
    [fault] = faults_of_issued("nothing", REQUEST.csr, NOW)
    assert "no PEM" in fault


def test_another_key_is_told() -> None:
    [fault] = faults_of_issued(PKI.sign(REQUEST.csr, key="other"), REQUEST.csr, NOW)
    assert "not for the key" in fault


@pytest.mark.parametrize(("names", "said"), [({"cn": "X"}, "commonName is X"), ({"o": "Y"}, "organizationName is Y")])
def test_other_names_are_told(names: dict[str, str], said: str) -> None:
    [fault] = faults_of_issued(PKI.sign(REQUEST.csr, **names), REQUEST.csr, NOW)
    assert fault.startswith(said)


def test_what_is_not_valid_now_is_told() -> None:
    [fault] = faults_of_issued(PKI.sign(REQUEST.csr), REQUEST.csr, NOW + timedelta(days=1000))
    assert "is valid from" in fault


def test_the_clock_of_who_signs_may_be_ahead() -> None:
    early, skew = NOW - timedelta(hours=2), timedelta(hours=3)
    assert faults_of_issued(PKI.sign(REQUEST.csr), REQUEST.csr, early)
    assert faults_of_issued(PKI.sign(REQUEST.csr), REQUEST.csr, early, skew=skew) == []


def test_a_chain_that_does_not_hold_is_told() -> None:
    leaf = PKI.sign(REQUEST.csr).partition("-----END CERTIFICATE-----\n")
    [fault] = faults_of_issued(leaf[0] + leaf[1] + PKI.other_root, REQUEST.csr, NOW)
    assert fault == "certificate 1 of the chain was not signed by the next one"
