"""`ocpp-conformance pki`, as its users run it."""

import re
import shlex
import textwrap
import tomllib
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.cli import main
from conformance.files import data
from conformance.pki import Pki
from conformance.sut.profile import load_profile

WORDS = ("--host", "csms.example.com", "--host", "192.0.2.7", "--identity", "CS-1", "--operator", 'The "Lab"')


def test_a_folder_for_a_system_under_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pki", *WORDS, "--out", str(tmp_path / "lab")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'lab' / 'README.md'}\n"
    pki = Pki.load(tmp_path / "lab")
    assert (pki.hosts, pki.identity, pki.serial) == (("csms.example.com", "192.0.2.7"), "CS-1", "CS-1")
    readme = (tmp_path / "lab" / "README.md").read_text(encoding="utf-8")
    assert "PRIVATE" not in readme
    assert "`wss://csms.example.com:8083/ocpp`" in readme
    for file in re.findall(r"`([a-z.-]+\.(?:pem|key|json))`", readme):
        assert file == "its-root.pem" or file.startswith(".") or (tmp_path / "lab" / file).exists(), file
    assert not re.search(r"\$\w", readme)


@pytest.mark.parametrize("role", ["station", "csms"])
def test_what_it_says_for_the_profile(tmp_path: Path, role: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["pki", *WORDS, "--out", str(tmp_path / "lab")])
    readme = (tmp_path / "lab" / "README.md").read_text(encoding="utf-8")
    block = textwrap.dedent(re.findall(r"```toml\n(.*?) +```", readme, re.DOTALL)[role == "csms"])
    assert Path(tomllib.loads(block)["security"]["pki"]) == tmp_path / "lab"
    written = f'role = "{role}"\nversions = ["1.6"]\nidentity = "CS-1"\n{block}\n[sut]\nname = "x"\n[[evse]]\nid = 1\n'
    written += '[[evse.connector]]\nid = 1\ntype = "cType2"\n[driver]\nkind = "none"\n'
    (tmp_path / "sut.toml").write_text(written, encoding="utf-8")
    assert load_profile(tmp_path / "sut.toml").security.profile == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--host", "https://csms.example.com"), "without scheme, port or path"),
        (("--host", "x", "--serial", "192.0.2.7"), "no URL and no address"),
        (("--host", "x", "--operator", ""), "operator: expected"),
        (("--host", "x", "--identity", "a/b"), "identity: expected"),
    ],
)
def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str) -> None:
    assert main(["pki", *words, "--out", str(tmp_path / "lab")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "lab").exists()


def test_a_folder_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["pki", "--host", "x", "--out", str(tmp_path / "lab")])
    before = (tmp_path / "lab" / "station.key").read_text()
    capsys.readouterr()
    assert main(["pki", "--host", "x", "--out", str(tmp_path / "lab")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "keys are never overwritten. Name another folder, or move this one away" in line
    assert (tmp_path / "lab" / "station.key").read_text() == before
    (tmp_path / "file").write_text("")
    assert main(["pki", "--host", "x", "--out", str(tmp_path / "file")]) == 2
    assert main(["pki", "--host", "x", "--out", str(tmp_path / "file" / "in")]) == 2


def test_no_host(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["pki", "--out", "x"])
    assert ended.value.code == 2
    assert "--host" in capsys.readouterr().err


def test_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    guide = (data("testcases").parent / "docs" / "pki.md").read_text(encoding="utf-8")
    [(command, said)] = re.findall(r"^\$ ocpp-conformance (pki .*)\n(.*)$", guide, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(command)) == 0
    assert capsys.readouterr().out == f"{said}\n"
    pki = Pki.load((tmp_path / said).parent)
    key = ec.generate_private_key(ec.SECP256R1())
    asked = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    known = {"pki": pki, "csr": asked.public_bytes(Encoding.PEM).decode()}
    [block] = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    for line in block.splitlines():
        assert eval(line.partition("#")[0], known), line
    assert pki.server_zoo.member("expired").wrong in block
