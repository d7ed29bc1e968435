"""The rules of the security profiles for handshakes and certificates."""

import ipaddress
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles import tls

GOOD = {
    "key": "RSA 2048",
    "serial": "1f",
    "common_names": ["HM-0000-4711"],
    "organizations": ["Operator"],
}


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_versions_that_are_new_enough(version: str) -> None:
    assert tls.version_problem(version) is None


@pytest.mark.parametrize("version", ["SSLv3", "TLSv1.0", "TLSv1.1", "0x0200"])
def test_versions_that_are_too_old(version: str) -> None:
    assert version in (tls.version_problem(version) or "")


def test_no_version() -> None:
    assert tls.version_problem(None)


def test_a_station_offers_a_pair() -> None:
    assert tls.suites_problem({"suites": ["GREASE", *tls.ECDSA_SUITES]}) is None
    assert tls.suites_problem({"suites": [*reversed(tls.RSA_SUITES), "TLS_AES_128_GCM_SHA256"]}) is None
    halves = {"suites": [tls.ECDSA_SUITES[0], tls.RSA_SUITES[1]]}
    problem = tls.suites_problem(halves) or ""
    assert tls.ECDSA_SUITES[1] in problem
    assert tls.RSA_SUITES[0] in problem
    assert tls.suites_problem({})


def test_compression() -> None:
    assert tls.compression_problem({"compression": ["null"]}) is None
    assert "DEFLATE" in (tls.compression_problem({"compression": ["DEFLATE", "null"]}) or "")


@given(st.sampled_from(["RSA", "DSA", "EC"]), st.integers(1, 5000))
def test_sizes_of_keys(kind: str, bits: int) -> None:
    small = bits < (224 if kind == "EC" else 2048)
    assert bool(tls.key_problem({"key": f"{kind} {bits}"})) is small


def test_other_keys() -> None:
    assert tls.key_problem({"key": "Ed25519 256"}) is None
    assert tls.key_problem({"key": "unknown"})
    assert tls.key_problem({"key": "RSA"})


def test_a_good_certificate() -> None:
    assert tls.key_problem(GOOD) is tls.serial_problem(GOOD) is None
    assert tls.organization_problem(GOOD, "Operator") is None
    assert tls.station_name_problem(GOOD, "HM-0000-4711") is None


def test_what_is_wrong_with_a_certificate() -> None:
    for serial in ("", "0", "-1"):
        assert tls.serial_problem({"serial": serial})
    assert "no O" in (tls.organization_problem({"organizations": [" "]}) or "")
    assert "'Other'" in (tls.organization_problem({"organizations": ["Other"]}, "Operator") or "")
    assert "no CN" in (tls.station_name_problem({"common_names": []}) or "")
    assert "'HM-2'" in (tls.station_name_problem(GOOD, "HM-2") or "")
    for name in ("https://station.example", "www.station.example", "10.0.0.1", "[::1]"):
        assert "address" in (tls.station_name_problem({"common_names": [name]}) or "")


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_every_address_looks_like_one(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert tls.looks_like_an_address(str(address))


@given(st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=48))
def test_no_serial_number_does(serial: str) -> None:
    assert not tls.looks_like_an_address(serial)


@pytest.mark.parametrize(
    ("pattern", "host", "with_wildcards", "without"),
    [
        ("csms.example", "CSMS.example.", True, True),
        ("csms.example", "csms.example.org", False, False),
        ("*.example.org", "csms.example.org", True, False),
        ("*.example.org", "a.csms.example.org", False, False),
        ("*.example.org", "example.org", False, False),
        ("*", "csms", False, False),
        ("*.org", "example.org", False, False),
        ("c*.example.org", "csms.example.org", False, False),
    ],
)
def test_names_of_hosts(pattern: str, host: str, with_wildcards: bool, without: bool) -> None:  # noqa: FBT001
    assert tls.is_for(pattern, host, wildcards=True) is with_wildcards
    assert tls.is_for(pattern, host) is without
    assert (tls.server_name_problem({"common_names": [pattern]}, host) is None) is without


def test_nobody_is_named() -> None:
    assert "got none" in (tls.server_name_problem({}, "csms.example") or "")
