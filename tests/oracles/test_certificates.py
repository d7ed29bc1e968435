"""Naming and comparing certificates."""

import pytest

from conformance.oracles.certificates import count, key_of_certificate, key_of_request, names
from conformance.pki import Pki
from conformance.wire.certificates import hash_data
from tests.oracles.test_issued import REQUEST


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.new()


def test_names(pki: Pki) -> None:
    right = hash_data(pki.root, algorithm="SHA384")
    assert names(right, pki.root)
    assert names({**right, "issuerKeyHash": right["issuerKeyHash"].upper()}, pki.root)
    assert not names({**right, "hashAlgorithm": "SHA256"}, pki.root)
    assert not names({**right, "hashAlgorithm": "MD5"}, pki.root)
    assert not names({**right, "serialNumber": "0" + right["serialNumber"]}, pki.root)
    assert not names(right, pki.other_root)
    assert not names({}, pki.root)
    assert count([right, right, hash_data(pki.other_root)], pki.root) == 2


def test_of_another_issuer(pki: Pki) -> None:
    assert names(hash_data(pki.next_root, pki.root), pki.next_root, pki.root)
    assert not names(hash_data(pki.next_root, pki.root), pki.next_root)


def test_keys(pki: Pki) -> None:
    assert key_of_request(REQUEST.csr) == key_of_certificate(pki.sign(REQUEST.csr))
    assert key_of_request(REQUEST.csr) != key_of_certificate(pki.sign(REQUEST.csr, key="other"))
    with pytest.raises(ValueError, match="PEM"):
        key_of_request("nothing")
