"""The signatures of the simulated meter."""

from conformance.reference.station.signature import MeterKey, verifies


def test_a_signature_verifies_with_its_key_and_data_only() -> None:
    """Neither other data nor another key will do."""
    key, other = MeterKey(), MeterKey()
    signature = key.signature(b"4711 Wh")
    assert verifies(key.point, b"4711 Wh", signature)
    assert not verifies(key.point, b"4712 Wh", signature)
    assert not verifies(other.point, b"4711 Wh", signature)
    assert not verifies(key.point, b"4711 Wh", (0, signature[1]))


def test_the_public_key_is_on_the_curve() -> None:
    """As NIST P-256 has it."""
    x, y = MeterKey().point
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    assert (y * y - (x * x * x - 3 * x + b)) % p == 0
