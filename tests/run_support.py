"""Runs the harness as its users do: as a program, in a folder of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.files import data

REFERENCES = {role: data(f"fixtures/profiles/reference-{role}.toml") for role in ("station", "csms")}
EMBEDDED = REFERENCES["station"]
MINI_STATION = Path(__file__).parent / "mini_station.py"
MINI_CSMS = Path(__file__).parent / "mini_csms.py"
PATIENCE = 150.0
"""Seconds after which a run that should long have ended is given up."""

_QUICK = {"connect": 5, "boot": 3, "answer": 1, "report": 2, "status": 2, "reconnect": 3, "action": 5, "settle": 0.1}


@dataclass(frozen=True)
class Done:
    """A run that has ended."""

    code: int
    out: str
    err: str
    reports: Path

    @property
    def text(self) -> str:
        """Everything it wrote to the terminal."""
        return f"{self.out}\n{self.err}"

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return (self.reports / "latest").resolve()

    @property
    def result(self) -> dict[str, Any]:
        """What is in result.json."""
        return json.loads((self.folder / "result.json").read_text(encoding="utf-8"))

    def rows(self, target: str = "") -> list[dict[str, Any]]:
        """The rows of all cases, or of those of one target, `station 1.6` for instance."""
        return [row for row in self.result["cases"] if not target or f"{row['role']} {row['version']}" == target]

    def case(self, id_: str, target: str = "") -> dict[str, Any]:
        """The row of a case."""
        [row] = [row for row in self.rows(target) if row["id"] == id_ or row["id"].endswith(f"::{id_}")]
        return row

    def verdicts(self, target: str = "") -> dict[str, str]:
        """The verdict of each case, by its id, or by the name of its function."""
        return {row["id"].rpartition("::")[2]: row["verdict"] for row in self.rows(target)}

    def grades(self) -> dict[str, str]:
        """The grade of each proof that has one, as `boot of station 1.6`."""
        proofs = [proof for proof in self.result["proofs"] if not proof["reason"]]
        return {f"{proof['proof']} of {proof['role']} {proof['version']}": proof["grade"] for proof in proofs}

    def transcript(self, target: str = "") -> list[dict[str, Any]]:
        """The lines of the transcript of a target, of the first unless another is named."""
        names = self.result["transcripts"]
        name = names[target] if target else next(iter(names.values()))
        lines = (self.folder / name).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


def command(*words: str) -> list[str]:
    """`ocpp-conformance WORDS`, with the Python that runs the tests."""
    return [sys.executable, "-m", "conformance.cli", *words]


def pytest_command(*words: str) -> list[str]:
    """`pytest WORDS`."""
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]


def environment(extra: Mapping[str, str] = {}) -> dict[str, str]:
    """This process's environment, without what its own pytest and CI put there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "OCPP_"))}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"} | extra


def run(words: list[str], folder: Path, *, env: Mapping[str, str] = {}, **options: Any) -> Done:
    """Run a command to its end in `folder`; the reports are expected in its `reports`."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        stdin=subprocess.DEVNULL,
        **options,
    )
    return Done(done.returncode, done.stdout, done.stderr, folder / "reports")


def profile(  # what most tests want, and what some do
    path: Path,
    *,
    role: str = "station",
    versions: tuple[str, ...] = ("2.0.1",),
    top: str = "",
    driver: str = 'kind = "embedded"',
    listen: str = "",
    **timing: float,
) -> Path:
    """Write the profile of an embedded reference in these versions with short times, other ones, and another driver."""
    text = REFERENCES[role].read_text(encoding="utf-8")
    text = re.sub(
        r"^(?:baseline|\[credentials\]|password_file).*\n", "", text, flags=re.MULTILINE
    )  # which lie beside it
    text = text.replace('versions = ["2.0.1", "1.6"]', f"versions = {json.dumps(versions)}")
    for version in {"2.0.1", "1.6"} - {*versions}:
        tables = rf'^\[only\."{re.escape(version)}".*\n(?:[^\[\n].*\n)*'
        text = re.sub(tables, "", text, flags=re.MULTILINE)
    if "2.0.1" not in versions:  # the claims at the top are those of the newest version
        text = re.sub(r"^\[features\]\n(?:[^\[\n].*\n)*", "", text, flags=re.MULTILINE)
    head, _, rest = text.partition("[timing]")
    head = head.replace("role =", f"{top}\nrole =", 1)
    head = head.replace("port = 0", f"port = 0\n{listen}") if listen else head
    times = "\n".join(f"{name} = {value}" for name, value in {"case": 60, **_QUICK, **timing}.items())
    assert rest, "the reference profile has times"
    path.write_text(f"{head}[timing]\n{times}\n\n[driver]\n{driver}\n", encoding="utf-8")
    return path


def process_driver(*words: str, protocol: str = "none") -> str:
    """A process driver that runs mini_station.py."""
    told = json.dumps([sys.executable, str(MINI_STATION), "{csms_url}", "{identity}", *words])
    return f'kind = "process"\nprotocol = "{protocol}"\ncommand = {told}'


def csms_process_driver(*words: str) -> str:
    """A process driver that runs mini_csms.py."""
    return f'kind = "process"\ncommand = {json.dumps([sys.executable, str(MINI_CSMS), *words])}'


def own_tests(folder: Path, text: str, name: str = "test_own.py") -> Path:
    """Write a test file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
