"""The pytest hooks around each test: what its outcome is called, and where that is written down."""

import asyncio
import functools
import inspect
import time
import traceback
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from conformance import spread
from conformance.bench import Bench, GivenUp, Overdue, Subject, claims_of
from conformance.cases.case import Case
from conformance.cases.proving import CONTROL, OTHERS, REFERENCE
from conformance.cases.spec import CaseOver, Spec, conclude, said
from conformance.cases.verdict import Finding, Verdict
from conformance.report import allure, view
from conformance.report.evidence import trace_text
from conformance.rig import UNREADY
from conformance.run import OWN_CASES, Run
from conformance.sut.drivers import DriverFailed, Unsupported
from conformance.target import Ran
from conformance.wire.tls import LocallyUnable

BAD_INPUT = 2


class Unproven(Exception):  # noqa: N818 -- a verdict, which Allure shows as broken and not as failed
    """The case could not be judged: nothing is said about the system under test."""


class HarnessBroke(Exception):  # noqa: N818
    """The harness, or the case, is at fault."""


def _subject(item: pytest.Item) -> tuple[Bench, Subject] | None:
    """What a test is about, where it is a case and there is a system under test."""
    bench, subject = item.config.stash.get(Bench.KEY, None), item.stash.get(Bench.SUBJECT, None)
    return None if bench is None or subject is None else (bench, subject)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End the session where a report can't be written: the disk is full, the network share is gone."""
    bench = item.config.stash.get(Bench.KEY, None)
    if bench is None:
        return (yield)
    try:
        return (yield)
    except OSError as error:  # those of a test never come this far
        _no_room(bench.run, error)


def _no_room(run: Run, error: OSError) -> NoReturn:
    why = f"{run.folder}: the report can't be written ({error.strerror or error}); make room and run again"
    pytest.exit(run.stop(why), returncode=BAD_INPUT)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Leave out a case that a claim excludes; bring the system under test to the starting state."""
    found = _subject(item)
    if found is None:
        return (yield)
    bench, subject = found
    case, target = subject.case, subject.target
    bench.begin(subject)
    first = bench.started()
    excluded = target.excluded(case, claims_of(target, subject.variant))
    if excluded:
        _note(item, bench, Ran(case, Verdict.NOT_APPLICABLE, reason=excluded))
        pytest.skip(excluded)
    item.stash[Bench.SPEC] = Spec(
        case,
        target.catalogue,
        touched=bench.touched,
        malformed=lambda: bench.malformed(first),
        counted=subject.part.counted(case) if case.always_on and not bench.proving else (),
    )
    try:
        return (yield)
    except pytest.exit.Exception:
        raise
    except pytest.skip.Exception as skipped:
        _note(item, bench, _skipped(case, skipped))
        raise
    except (*UNREADY, GivenUp) as error:
        reason = f"the starting state could not be reached: {bench.told(_why(error))}"
        _note(item, bench, Ran(case, Verdict.INCONCLUSIVE, reason=reason, first=first, last=bench.started()))
        raise Unproven(_safe(item, reason)) from None
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        _note(item, bench, Ran(case, Verdict.ERROR, reason=reason, first=first, last=bench.started()))
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Turn what a case noted into its verdict, and the verdict into an outcome of pytest."""
    found, spec = _subject(item), item.stash.get(Bench.SPEC, None)
    if found is None or spec is None:
        return (yield)
    bench, case = found[0], found[1].case
    first, began = bench.started(), time.monotonic()
    reason, broke, result, over, missed = "", None, None, False, False
    _bound(item, bench)
    try:
        result = yield
    except CaseOver:
        over = True
    except pytest.exit.Exception:
        raise
    except pytest.skip.Exception as skipped:
        _note(item, bench, _skipped(case, skipped))
        raise
    except (AssertionError, Unsupported, DriverFailed, LocallyUnable, pytest.fail.Exception) as error:
        # in a test that declares nothing, an assertion of its own is the verdict; a step that failed says nothing
        missed = not case.requirements and type(error) in (AssertionError, pytest.fail.Exception)
        reason = bench.told(_why(error))
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is reported as the verdict ERROR
        wrong = bench.malformed(first)
        if wrong and isinstance(error, LookupError | TypeError | ValueError | AttributeError):
            reason = f"{wrong} ({type(error).__name__}: {error})"
        else:
            reason, broke = f"{type(error).__name__}: {error}", error
    verdict = Verdict.FAIL if missed else _conclude(spec, reason=reason, broke=broke, over=over)
    ran = Ran(
        case=case,
        verdict=verdict,
        findings=tuple(spec.findings),
        reason=reason or _first_message(spec.findings, verdict),
        seconds=time.monotonic() - began,
        waited=bench.waited(),
        first=first,
        last=bench.started(),
        cells=tuple(spec.cells),
        setpoints=tuple(spec.setpoints),
        charts=tuple(spec.charts),
        tried=tuple(spec.tried),
        shown=tuple(spec.shown),
    )
    _note(item, bench, ran)
    _raise(_safe(item, _told(ran, reason)), ran.verdict, broke)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """A case after which something breaks is an ERROR, whatever it had come to."""
    found = _subject(item)
    if found is None:
        return (yield)
    bench, subject = found
    bench.case_id = ""
    try:
        return (yield)
    except Exception as error:
        ran = subject.part.ran.get(subject.case.id) or Ran(subject.case, Verdict.PASS)
        reason = f"after the case: {type(error).__name__}: {error}"
        _note(item, bench, replace(ran, verdict=Verdict.ERROR, reason=reason))
        raise


def _skipped(case: Case, skipped: BaseException) -> Ran:
    """What a skip comes to: only a claim of the profile makes a declared case one that does not apply."""
    verdict = Verdict.INCONCLUSIVE if case.requirements else Verdict.NOT_APPLICABLE
    return Ran(case, verdict, reason=f"skipped: {skipped}")


def _why(error: BaseException) -> str:
    if isinstance(error, AssertionError):
        return said(error)
    return str(error)


def _bound(item: pytest.Item, bench: Bench) -> None:
    """Let a case take no longer than the profile says."""
    if not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(item.obj):
        return
    case, ceiling = item.obj, item.stash[Bench.SUBJECT].target.profile.timing.case

    @functools.wraps(case)
    async def bounded(*args: object, **kwargs: object) -> object:
        try:
            async with asyncio.timeout(ceiling) as limit:
                return await case(*args, **kwargs)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise Overdue(
                f"the case did not end within {ceiling:g} s ([timing] case of the profile); {_where(error, case)}"
            ) from None
        except AssertionError:
            await bench.last_words()
            raise

    item.obj = bounded


def _where(error: TimeoutError, case: Callable[..., object]) -> str:
    """How far a case had come when its time was up."""
    cancelled = error.__cause__ or error.__context__ or error
    file = inspect.getfile(case)
    lines = [each.lineno for each in traceback.extract_tb(cancelled.__traceback__) if each.filename == file]
    return f"it had come to {Path(file).name}, line {lines[-1]}" if lines else "it never began to wait"


def _conclude(spec: Spec, *, reason: str, broke: Exception | None, over: bool) -> Verdict:
    failed = any(each.verdict is Verdict.FAIL for each in spec.findings)
    verdict = conclude(spec, finished=not (reason or broke or over or failed))
    if broke is not None:
        return Verdict.ERROR
    return Verdict.worst([verdict, Verdict.INCONCLUSIVE], verdict) if reason else verdict


def _first_message(findings: Iterable[Finding], verdict: Verdict) -> str:
    if verdict is Verdict.PASS:
        return ""
    worst = [each for each in findings if each.verdict is verdict]
    return f"{worst[0].requirement}: {worst[0].message}" if worst else ""


def _told(ran: Ran, reason: str) -> str:
    lines = [f"{each.requirement} {each.verdict}: {each.message}" for each in ran.findings if each.message]
    return "\n".join([f"{ran.case.id} {ran.verdict}", *lines, *([reason] if reason else [])])


def _safe(item: pytest.Item, text: str) -> str:
    """A text for the terminal, without secrets."""
    return item.stash[Bench.SUBJECT].part.transcript.secrets.text(text)


def _raise(text: str, verdict: Verdict, broke: Exception | None) -> None:
    match verdict:
        case Verdict.FAIL:
            pytest.fail(text, pytrace=False)
        case Verdict.INCONCLUSIVE:
            raise Unproven(text)
        case Verdict.ERROR:
            raise HarnessBroke(text) from broke


def _note(item: pytest.Item, bench: Bench, ran: Ran) -> None:
    """Keep a verdict: in the result of the run, in Allure, or as a trial of a proving run."""
    subject = item.stash[Bench.SUBJECT]
    target, part, run = subject.target, subject.part, bench.run
    ran = replace(ran, part=part.name, findings=tuple(replace(each, part=part.name) for each in ran.findings))
    item.user_properties.append(("verdict", str(ran.verdict)))
    if bench.proving:
        blamed = sorted({each.requirement for each in ran.findings if each.verdict in (Verdict.FAIL, Verdict.WARN)})
        trial = [target.name, ran.case.id, subject.variant or REFERENCE, str(ran.verdict), blamed, ran.reason]
        item.user_properties.append(("ocpp-trial", trial))
        return
    if ran.verdict is not Verdict.NOT_APPLICABLE:  # one that did not run leaves things as they were
        bench.doubtful = ran.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR)
    for remark in bench.remarks():
        if remark not in run.notes:
            run.note(remark)
    part.record(ran)
    spread.tell(item, subject, ran)
    row = target.row(ran, run.plan.proof_of(ran.case.id) or OWN_CASES)
    try:
        allure.label_case(row, subject.name)
        allure.attach(row, trace_text(part.transcript.entries[ran.first : ran.last], row.findings))
    except OSError as error:
        _no_room(run, error)
    if part.sink.failure is not None:
        _no_room(run, part.sink.failure)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a case that could not be judged as its reason, without a traceback."""
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(Unproven):
        report.longrepr = str(call.excinfo.value)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """Call each outcome by its verdict; a mutant that is found out is no failure."""
    about = dict(getattr(report, "user_properties", ()))  # a report on collecting has none
    verdict = about.get("verdict")
    if not isinstance(verdict, str) or not _decided(report):
        return None
    category, letter = _SHOWN[Verdict(verdict)]
    if category == "failed" and about.get("variant") not in (None, "", REFERENCE, CONTROL, *OTHERS):
        category = "found out"
    return category, "" if config.getoption("--ocpp-lines") else letter, verdict


def _decided(report: pytest.TestReport) -> bool:
    return report.when == "call" or not report.passed


class Lines:
    """Writes a line for each case as it ends: for who waits at the terminal."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the case, its verdict, how long it took, and why it is not a PASS."""
        about = dict(report.user_properties)
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or "verdict" not in about or not _decided(report):
            return
        verdict = Verdict(str(about["verdict"]))
        name = f"{about['name']}[{about['variant']}]" if about.get("variant") else str(about["name"])
        reporter.ensure_newline()
        reporter.write(f"{verdict:<14} ", **_COLOURS[verdict])
        where = view.place(*str(about["target"]).split())
        reporter.write_line(f"{where:<13} {name:<42} {report.duration:6.2f} s")
        reporter.flush()


_COLOURS: dict[Verdict, dict[str, bool]] = {
    Verdict.NOT_APPLICABLE: {"light": True},
    Verdict.PASS: {"green": True},
    Verdict.WARN: {"yellow": True},
    Verdict.INCONCLUSIVE: {"yellow": True},
    Verdict.FAIL: {"red": True},
    Verdict.ERROR: {"red": True, "bold": True},
}


_SHOWN = {
    Verdict.NOT_APPLICABLE: ("skipped", "s"),
    Verdict.PASS: ("passed", "."),
    Verdict.WARN: ("passed", "w"),
    Verdict.INCONCLUSIVE: ("failed", "i"),
    Verdict.FAIL: ("failed", "F"),
    Verdict.ERROR: ("error", "E"),
}
