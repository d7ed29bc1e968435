"""Runs whose security is not what is claimed."""

import sys
from pathlib import Path

from run_support import REFERENCES, command, run


def test_a_plain_link_is_no_way_in_where_only_tls_is_claimed(tmp_path: Path) -> None:
    profile = tmp_path / "csms.toml"
    text = REFERENCES["csms"].read_text()
    assert "security-profile-1 = true\n" in text
    profile.write_text(text.replace("security-profile-1 = true\n", ""))
    done = run(command("run", "--sut", str(profile), "-k", "csms-2.0.1 and PLAIN_LINK_CSMS"), tmp_path)
    row = done.case("PLAIN_LINK_CSMS")
    assert (row["verdict"], row["severity"]) == ("FAIL", "blocker")
    assert any("this connection had to be refused" in each["message"] for each in row["findings"])


def test_a_station_without_tls_where_there_has_to_be_some_is_told_of(tmp_path: Path) -> None:
    """It never gets in, and the message of the run says why."""
    certificates, profile = tmp_path / "certificates", tmp_path / "station.toml"
    made = run(command("pki", "--host", "127.0.0.1", "--out", str(certificates)), tmp_path)
    assert made.code == 0, made.text
    profile.write_text(
        f"""
role = "station"
versions = ["2.0.1"]
identity = "CS001"
[sut]
name = "Plain"
[[evse]]
id = 1
connector = [{{ id = 1, type = "cType2" }}]
[security]
profile = 2
pki = "{certificates}"
[timing]
connect = 3
[driver]
kind = "process"
command = ["{sys.executable}", "-c", "{_DIALS_PLAIN}", "{{url}}"]
protocol = "none"
"""
    )
    done = run(command("run", "--sut", str(profile), "-k", "TC_B_01_CS"), tmp_path)
    assert done.code == 2, done.text
    assert "a request in plain HTTP came, and no TLS" in done.text


_DIALS_PLAIN = (
    "import socket, sys, urllib.parse as u; p = u.urlsplit(sys.argv[1])\\n"
    "while True:\\n"
    " s = socket.create_connection((p.hostname, p.port))\\n"
    " s.sendall(b'GET ' + p.path.encode() + b' HTTP/1.1\\\\r\\\\nHost: x\\\\r\\\\n\\\\r\\\\n')\\n"
    " s.recv(100)\\n"
    " __import__('select').select([], [], [], 0.5)\\n"
)
