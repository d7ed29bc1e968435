"""A run whose targets, and the proofs of each, are judged side by side by the workers of pytest-xdist.

The process that was started, the controller, owns the run: its folder, its grades, its report. A worker judges what it
is given in that folder, part by part, and tells the controller what came of each case.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from conformance.bench import Subject
from conformance.run import Run
from conformance.target import Part, Ran, Target

_FOLDER, _NOTES, _PLANNED, _RAN = "ocpp-folder", "ocpp-notes", "ocpp-planned", "ocpp-ran"
_NOTHING = "ocpp-nothing"
_SUBJECT = re.compile(r"\[((?:station|csms)-[\d.]+)-([^\]@]+)(?:@([^\]@]+))?\]$")


def folder(config: pytest.Config) -> str:
    """The folder of the run, where this process is a worker; else empty."""
    return str(getattr(config, "workerinput", {}).get(_FOLDER, ""))


def tell(item: pytest.Item, subject: Subject, ran: Ran) -> None:
    """Have a worker tell the controller what came of a case; does nothing in any other process.

    Nobody but the worker knows the secrets that went over its wire.
    """
    if not folder(item.config):
        return
    safe = subject.part.transcript.secrets.value(msgspec.to_builtins(ran))
    item.user_properties.append((_RAN, [subject.target.name, msgspec.json.encode(safe).decode()]))


def tell_nothing(config: pytest.Config, why: str) -> bool:
    """Have a worker tell the controller that there is nothing to run; False in any other process."""
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[_NOTHING] = why
    return output is not None


class Nothing:
    """Says once what every worker has told: that there is nothing to run."""

    def __init__(self) -> None:
        self._said = ""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ARG002 -- as the hook has it
        """Hear a worker that is done."""
        why = getattr(node, "workeroutput", {}).get(_NOTHING, "")
        if why and not self._said:
            node.config.get_terminal_writer().line(f"\n{why}", red=True)
        self._said = self._said or why


def longest_first(run: Run, cases: Mapping[Part, int]) -> list[tuple[Target, Part]]:
    """The parts as workers are to take them: it is the stations that are waited for, most where most is asked."""
    parts = [(target, part) for target in run.targets for part in target.parts.values()]
    if run.settings.side_by_side:
        parts.sort(key=lambda each: (each[0].role == "csms", -cases.get(each[1], 0)))
    return parts


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
        found: list[Any] = [value for name, value in report.user_properties if name == _RAN]
        report.user_properties = [each for each in report.user_properties if each[0] != _RAN]
        if report.when != "teardown":
            return
        for name, told in found:
            ran = msgspec.json.decode(told, type=Ran)
            target = next(each for each in self._run.targets if each.name == name)
            target.cases.setdefault(ran.case.id, ran.case)  # only the workers have seen the tests of a user
            target.parts[ran.part].record(ran)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> object:
        """Give all cases of a part to one worker, in their order: they have one system under test."""
        from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 -- need not be installed

        config.option.loadscopereorder = False
        part_of = self._part_of

        class ByPart(LoadScopeScheduling):  # type: ignore[misc, unused-ignore]
            def _split_scope(self, nodeid: str) -> str:
                return part_of(nodeid)

        return ByPart(config, log)

    def _part_of(self, nodeid: str) -> str:
        """The target and part of `….py::test_x[station-1.6-TC_001_CS]`; any other test is about the first ones."""
        first = self._run.targets[0]
        found = _SUBJECT.search(nodeid)
        if found is None:
            return f"{first.name} {next(iter(first.parts))}"
        target = next((each for each in self._run.targets if each.name.replace(" ", "-") == found[1]), first)
        return f"{target.name} {found[3] or self._run.home(target, found[2]).name}"

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ARG002 -- as the hook has it
        """Take over what a worker noted, and whether what it collected is of the plan."""
        output = getattr(node, "workeroutput", {})
        self._run.notes += [note for note in output.get(_NOTES, ()) if note not in self._run.notes]
        self._run.judges_plan = output.get(_PLANNED, self._run.judges_plan)


def hand_over(config: pytest.Config, run: Run) -> None:
    """Have a worker that is done hand over what is not about one case."""
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[_NOTES], output[_PLANNED] = list(run.notes), run.judges_plan
