"""What a case is told of an answer."""

import pytest

from conformance.peers.received import Message, Refused, status_told
from conformance.wire.frames import decode
from conformance.wire.transcript import Transcript


@pytest.mark.parametrize(
    ("info", "told"),
    [
        (None, "Rejected"),
        ({}, "Rejected"),
        ({"reasonCode": "TxInProgress"}, "Rejected (TxInProgress)"),
        ({"reasonCode": "TxInProgress", "additionalInfo": "EVSE 1"}, "Rejected (TxInProgress: EVSE 1)"),
    ],
)
def test_a_status_is_told_with_its_reason(info: dict[str, str] | None, told: str) -> None:
    payload = {"status": "Rejected"} if info is None else {"status": "Rejected", "statusInfo": info}
    assert status_told(Message(payload, "the answer")) == told


@pytest.mark.parametrize("details", ["{}", '"why"'])
def test_a_refusal_has_its_code_also_where_its_details_are_no_object(details: str) -> None:
    frame = decode(f'[4,"1","FormatViolation","no",{details}]')
    refused = Refused("Reset", Transcript().add("frame", link=1, sender="sut", frame=frame))
    assert refused.code == "FormatViolation"
    assert str(refused).startswith("Reset was answered with CALLERROR FormatViolation")


def test_a_result_is_no_refusal() -> None:
    entry = Transcript().add("frame", link=1, sender="sut", frame=decode('[3,"1",{}]'))
    with pytest.raises(AssertionError, match="is no CALLERROR"):
        Refused("Reset", entry)
