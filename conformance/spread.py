"""A run whose targets are judged side by side, each in a process of its own, by the workers of pytest-xdist.

The process that was started, the controller, owns the run: its folder, its grades, its report. A worker judges what it
is given in that folder, and tells the controller what came of each case.
"""

import re
from typing import Any

import msgspec
import pytest

from conformance.cases.matrix import Cell
from conformance.cases.verdict import Finding, Verdict
from conformance.run import Run
from conformance.target import Ran

_FOLDER, _NOTES, _RAN = "ocpp-folder", "ocpp-notes", "ocpp-ran"


_TARGET = re.compile(r"\[((?:station|csms)-[\d.]+)-")


class _Told(msgspec.Struct, frozen=True):
    """What a worker tells of a case that has come to an end."""

    target: str
    case: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    reason: str
    seconds: float
    waited: float
    first: int
    last: int
    cells: tuple[Cell, ...]


def folder(config: pytest.Config) -> str:
    """The folder of the run, where this process is a worker; else empty."""
    return str(getattr(config, "workerinput", {}).get(_FOLDER, ""))


def tell(item: pytest.Item, target: str, ran: Ran) -> None:
    """Have a worker tell the controller what came of a case; does nothing in any other process."""
    if not folder(item.config):
        return
    told = _Told(
        target=target,
        case=ran.case.id,
        verdict=ran.verdict,
        findings=ran.findings,
        reason=ran.reason,
        seconds=ran.seconds,
        waited=ran.waited,
        first=ran.first,
        last=ran.last,
        cells=ran.cells,
    )
    item.user_properties.append((_RAN, msgspec.json.encode(told).decode()))


class Controller:
    """Collects what the workers tell."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker where the run is kept."""
        node.workerinput[_FOLDER] = str(self._run.folder.resolve())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take out of a report what it tells of a case."""
        found = [value for name, value in report.user_properties if name == _RAN]
        report.user_properties = [each for each in report.user_properties if each[0] != _RAN]
        if report.when != "teardown":
            return
        for value in found:
            told = msgspec.json.decode(str(value), type=_Told)
            target = next(each for each in self._run.targets if each.name == told.target)
            target.record(
                Ran(
                    case=target.cases[told.case],
                    verdict=told.verdict,
                    findings=told.findings,
                    reason=told.reason,
                    seconds=told.seconds,
                    waited=told.waited,
                    first=told.first,
                    last=told.last,
                    cells=told.cells,
                )
            )

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> object:
        """Give all cases of a target to one worker, in their order: they have one system under test."""
        from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 -- need not be installed

        class ByTarget(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
            def _split_scope(self, nodeid: str) -> str:
                """`station-1.6` of `….py::test_x[station-1.6-TC_001_CS]`; any other test goes by itself."""
                found = _TARGET.search(nodeid)
                return found[1] if found else nodeid

        return ByTarget(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ARG002 -- as the hook has it
        """Take over the notes of a worker."""
        notes = getattr(node, "workeroutput", {}).get(_NOTES, ())
        self._run.notes += [note for note in notes if note not in self._run.notes]


def say_notes(config: pytest.Config, run: Run) -> None:
    """Have a worker that is done hand over its notes."""
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[_NOTES] = list(run.notes)
