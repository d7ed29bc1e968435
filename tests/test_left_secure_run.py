"""At the end of a run a station is in the security profile, and has the certificate, that it came with."""

import json
from pathlib import Path

import pytest
from run_support import own_tests, profile, pytest_command, run

CASE = '''
async def test_moved(security, csms):
    """Have it in profile 3, with another certificate, and go."""
    await security.at(3)
    await csms.speak.request_signing()
    request = await csms.expect("SignCertificate")
    await csms.speak.certificate_signed(security.pki.sign(request["csr"]))
'''


@pytest.mark.parametrize("version", ["2.0.1", "1.6"])
def test_a_station_that_was_moved_is_set_up_again(tmp_path: Path, version: str) -> None:
    path = profile(tmp_path / "sut.toml", versions=(version,), driver='kind = "embedded"', reconnect=15)
    own_tests(tmp_path, CASE)
    done = run(pytest_command(f"--ocpp-sut={path}", "test_own.py"), tmp_path)
    assert done.case("test_moved")["verdict"] == "PASS", done.text
    assert "left behind" not in done.text
    assert "could not be set up" not in done.text
    [transcript] = tmp_path.rglob("transcript*.jsonl")
    entries = [json.loads(line) for line in transcript.read_text(encoding="utf-8").splitlines()]
    secured = {each["link"] for each in entries if each["kind"] == "tls"}
    boots = [each for each in entries if "BootNotification" in json.dumps(each.get("frame") or each.get("text") or "")]
    assert secured
    assert boots[-1]["link"] not in secured
