"""A run that changes the password of a station, and tells it nowhere."""

import base64
from pathlib import Path

from run_support import command, run

from conformance.sut.profile import load_profile, resolve

CASES = {"TC_A_09_CS", "TC_A_10_CS", "PASSWORD_KEPT_CS"}


def test_no_password_is_in_what_a_run_leaves_or_says(tmp_path: Path) -> None:
    own = load_profile(resolve("reference-station")).password()
    assert own is not None
    done = run(command("run", "--sut", "embedded", "-k", f"station-2.0.1 and ({' or '.join(CASES)})"), tmp_path)
    assert {each: done.verdicts()[each] for each in CASES} == dict.fromkeys(CASES, "PASS"), done.text
    passwords = [each.reveal().encode() for each in (own, own.successor(40), own.successor(15))]
    forms = [
        form
        for each in passwords
        for form in (each, base64.b64encode(b"CS001:" + each), each.hex().encode(), each.hex().upper().encode())
    ]
    files = {each.name: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}
    assert len(files) > len(CASES)
    assert [name for name, content in files.items() if any(form in content for form in forms)] == []
    assert not any(form.decode() in done.text for form in forms)
