"""`ocpp-conformance`: run, cases, prove, inventory, pki, report."""

import argparse
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from conformance import suite
from conformance.cases.plan import PlanError, load_plan
from conformance.files import data
from conformance.inventory import InventoryError, Settings, inventory
from conformance.judging import BAD_INPUT
from conformance.pki import OPERATOR, Pki, PkiError, hand_out
from conformance.plugin import BELOW_GATE, HARNESS_ERROR, OK, PROVING
from conformance.report.latest import find_run
from conformance.report.page import NoRenderer, render


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 good, 1 below the gate, 2 bad input, 3 the harness failed."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.do(arguments)
    except BrokenPipeError:
        return OK
    except KeyboardInterrupt:  # before a run has begun, or once it is written down
        sys.stderr.write("stopped\n")
        return BAD_INPUT
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ocpp-conformance",
        description="Judge an OCPP charging station or CSMS: run the proofs against it, and grade them.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the proofs against a system under test")
    run.add_argument("--sut", required=True, metavar="FILE|embedded", help="its profile, or the embedded reference")
    run.add_argument("--plan", metavar="FILE", help="plan to run instead of the minimum proof")
    run.add_argument("--proof", action="append", default=[], metavar="NAME", help="only this proof; may be repeated")
    run.add_argument("--gate", default="B", metavar="GRADE", help="worst grade that still exits with 0 (default B)")
    run.add_argument("--reports", default="reports", metavar="DIR", help="where reports are written")
    run.add_argument(
        "-n",
        dest="workers",
        metavar="N",
        help="judge the proofs of the embedded references side by side, in N processes (needs pytest-xdist)",
    )
    run.add_argument(
        "--fault-matrix", action="store_true", help="every fault at every moment of a transaction, not only at some"
    )
    _selection(run)
    run.set_defaults(do=_run)

    cases = commands.add_parser("cases", help="list the cases")
    cases.add_argument("--json", action="store_true", help="as a JSON list")
    cases.set_defaults(do=_cases)

    prove = commands.add_parser("prove", help="prove the cases: each mutant of the reference must be found out")
    prove.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
    prove.add_argument("-n", dest="workers", metavar="N", help="spread over N processes (needs pytest-xdist)")
    prove.add_argument(
        "--again",
        action="store_true",
        help="try the cases that are not clean once more, by themselves: a machine that was too busy is no verdict",
    )
    _selection(prove)
    prove.set_defaults(do=_prove)

    listed = commands.add_parser(
        "inventory", help="read the whole configuration of a station; keep it as a baseline, or show drift from one"
    )
    listed.add_argument("--sut", required=True, metavar="FILE|embedded", help="its profile, or the embedded reference")
    listed.add_argument("--save", metavar="FILE", help="take a baseline, or bring the one in this file up to date")
    listed.add_argument(
        "--against", metavar="FILE", help="show how it differs from this baseline; exit with 1 if it does"
    )
    listed.add_argument("--ocpp", metavar="VERSION", help="in this version only, of those in the profile")
    listed.add_argument("--json", action="store_true", help="print what was found as JSON on standard output")
    listed.set_defaults(do=_inventory)

    certificates = commands.add_parser(
        "pki", help="make test certificates, with a README that says what to install where at a system under test"
    )
    certificates.add_argument(
        "--host",
        required=True,
        action="append",
        metavar="NAME",
        help="how the management system is reached, by name or address, first as in its URL; may be repeated",
    )
    certificates.add_argument("--identity", default="CS001", metavar="ID", help="of the station (default CS001)")
    certificates.add_argument("--serial", metavar="NUMBER", help="serial number of the station (default: the identity)")
    certificates.add_argument("--operator", default=OPERATOR, metavar="NAME", help=f"the owner (default {OPERATOR})")
    certificates.add_argument(
        "--root-key", choices=("rsa", "ecdsa"), default="rsa", help="kind of the root's key (default rsa)"
    )
    certificates.add_argument("--out", required=True, metavar="DIR", help="a new folder for them")
    certificates.set_defaults(do=_pki)

    report = commands.add_parser("report", help="render the browsable page of a run with Allure 3")
    report.add_argument("run", nargs="?", metavar="RUN", help="folder of a run, or its name (default: the newest)")
    report.add_argument("--reports", default="reports", metavar="DIR", help="where reports are written")
    report.set_defaults(do=_report)
    return parser


def _selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-k", metavar="EXPRESSION", help="only cases whose name matches, as pytest's -k")
    parser.add_argument("-m", metavar="EXPRESSION", help="only cases with these markers, as pytest's -m")
    parser.add_argument("-q", "--quiet", action="store_true", help="a letter for each case instead of a line")


def _run(arguments: argparse.Namespace) -> int:
    options = [f"--ocpp-sut={arguments.sut}", f"--ocpp-gate={arguments.gate}", f"--ocpp-reports={arguments.reports}"]
    options += [f"--ocpp-proof={each}" for each in arguments.proof]
    if arguments.fault_matrix:
        options.append("--ocpp-fault-matrix")
    if arguments.plan:
        options.append(f"--ocpp-plan={arguments.plan}")
    if not _can_spread(arguments, "run"):
        return BAD_INPUT
    if arguments.workers:
        options += ["-n", arguments.workers]
    return _pytest([*options, *_selected(arguments), "--tb=no", "-rN"])


def _prove(arguments: argparse.Namespace) -> int:
    if not _can_spread(arguments, "prove"):
        return BAD_INPUT
    keep = _Keep()
    options = ["--prove", "--tb=no", "-rN"]
    spread_out = ["-n", arguments.workers] if arguments.workers else []
    with _standard_output_to_error() if arguments.json else contextlib.nullcontext():
        code = _pytest([*options, *_selected(arguments), *spread_out], plugins=[keep])
        doubtful = keep.doubtful()
        if arguments.again and code == BELOW_GATE and doubtful:
            sys.stdout.write(f"once more, by themselves: {', '.join(doubtful)}\n")
            arguments.k = " or ".join(doubtful)
            keep.whole = keep.proving
            code = _pytest([*options, *_selected(arguments)], plugins=[keep])
            sys.stdout.write("together: {proven} of {requirements} proven\n".format_map(keep.proving or {}))
    if arguments.json and keep.proving is not None:
        sys.stdout.write(json.dumps(keep.proving, indent=2) + "\n")
    return code


def _can_spread(arguments: argparse.Namespace, command: str) -> bool:
    if not arguments.workers or find_spec("xdist") is not None:
        return True
    sys.stderr.write(f"{command} -n: expected pytest-xdist to be installed, and it is not: pip install pytest-xdist\n")
    return False


def _selected(arguments: argparse.Namespace) -> list[str]:
    options = ["-q"] if arguments.quiet else ["-q", "--ocpp-lines", "-o", "console_output_style=classic"]
    for name in ("k", "m"):
        value = getattr(arguments, name)
        if value:
            options += [f"-{name}", value]
    return options


_CASE = re.compile(r"\b[A-Z][A-Z0-9_]*[a-z0-9_]*_(?:CS|CSMS)\b")


def _who_declares(line: str) -> list[str]:
    """The cases that may find a mutant that was never blamed: those that declare what it breaks."""
    breaks = re.search(r"\(breaks ([^)]+)\)", line)
    wanted = set(breaks[1].split("/")) if breaks else set()
    return [case.id for case in suite.all_cases().values() if wanted & set(case.requirements)]


class _Keep:
    """Keeps what a proving run came to, past the end of pytest's session."""

    proving: dict[str, Any] | None = None
    whole: dict[str, Any] | None = None
    """What the first round came to, of which the present one tries a part once more."""

    def doubtful(self) -> list[str]:
        """The cases that what is not clean is about; none where some of it is about no case that is known."""
        told = [str(line) for lines in (self.proving or {}).values() if isinstance(lines, list) for line in lines]
        found = [_CASE.findall(line.partition(": no mutant")[0])[:1] or _who_declares(line) for line in told]
        return list(dict.fromkeys(id_ for each in found for id_ in each)) if all(found) else []

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Take the result out of the session."""
        result = config.stash.get(PROVING, None)
        if result is not None:
            self.proving = {
                "requirements": result.requirements,
                "proven": result.proven,
                "survivors": list(result.survivors),
                "wrongly_blamed": list(result.wrongly_blamed),
                "reference_failures": list(result.reference_failures),
            }
            if self.whole is not None:
                total = self.whole["requirements"]
                self.proving |= {"requirements": total, "proven": total - (result.requirements - result.proven)}


_REWRITE_WARNING = "pytest.PytestAssertRewriteWarning"  # the command line has imported the package before pytest


def _pytest(options: Sequence[str], plugins: Sequence[object] = ()) -> int:
    """Run pytest over the shipped cases with the suite's own settings, and translate its exit code."""
    settings = ["-c", str(data(suite.SETTINGS)), f"--rootdir={Path.cwd()}", "-W", f"ignore::{_REWRITE_WARNING}"]
    arguments = [*settings, *options, str(suite.folder())]
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))  # a CI's way to say Ctrl-C
    code = int(pytest.main(arguments, plugins=list(plugins)))
    if code in (OK, BELOW_GATE, BAD_INPUT, HARNESS_ERROR):
        return code
    return BAD_INPUT if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED) else HARNESS_ERROR


@contextlib.contextmanager
def _standard_output_to_error() -> Iterator[None]:
    """Send what pytest prints to standard error, so that standard output carries the JSON alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _cases(arguments: argparse.Namespace) -> int:
    plan = load_plan(data("testcases/plans/minimum-proof.toml"))
    rows = [
        {
            "id": case.id,
            "title": case.title,
            "role": case.role,
            "versions": list(case.versions),
            "proof": plan.proof_of(case.id),
            "severity": str(case.severity),
            "requirements": list(case.requirements),
            "needs": case.needs,
            "official": case.official,
        }
        for case in suite.all_cases().values()
    ]
    if arguments.json:
        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
        return OK
    width = max((len(str(row["id"])) for row in rows), default=0)
    for row in rows:
        sys.stdout.write(f"{row['id']:<{width}}  {row['proof'] or '-':<14} {row['severity']:<9} {row['title']}\n")
        if row["needs"]:
            sys.stdout.write(f"{'':<{width}}  only with: {row['needs']}\n")
    return OK


def _inventory(arguments: argparse.Namespace) -> int:
    options = ("sut", "save", "against", "json")
    try:
        return inventory(Settings(**{name: getattr(arguments, name) for name in options}, version=arguments.ocpp))
    except InventoryError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT


def _pki(arguments: argparse.Namespace) -> int:
    try:
        pki = Pki.new(
            hosts=tuple(dict.fromkeys(arguments.host)),
            identity=arguments.identity,
            serial=arguments.identity if arguments.serial is None else arguments.serial,
            operator=arguments.operator,
            root_key="ECDSA" if arguments.root_key == "ecdsa" else "RSA",
        )
        readme = hand_out(pki, Path(arguments.out))
    except PkiError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    sys.stdout.write(f"{readme}\n")
    return OK


def _report(arguments: argparse.Namespace) -> int:
    try:
        folder = find_run(Path(arguments.reports), arguments.run)
        page = render(folder)
    except (NoRenderer, FileNotFoundError, ValueError, PlanError) as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    sys.stdout.write(f"{page}\n")
    return OK


if __name__ == "__main__":
    sys.exit(main())
