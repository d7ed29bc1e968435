"""The pytest hooks: options, which cases run, and what their outcome is called."""

import asyncio
import contextlib
import functools
import inspect
import tempfile
import time
import traceback
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, TypeGuard

import msgspec
import pytest

from conformance import suite
from conformance.bench import Bench, Overdue, claims_of
from conformance.cases.case import Case, case_of
from conformance.cases.catalogue import catalogue
from conformance.cases.proving import CONTROL, PLAIN, REFERENCE, Breaks, Proving, Trial, prove
from conformance.cases.spec import CaseOver, Spec, conclude, said
from conformance.cases.verdict import Finding, Verdict
from conformance.peers.received import NoAnswer, NotSeen
from conformance.report import allure, terminal
from conformance.report.evidence import trace_text
from conformance.report.result import RunResult
from conformance.run import OWN_CASES, BadInputError, Ran, Run, Settings
from conformance.sut.drivers import DriverFailed, Unsupported
from conformance.sut.tables import EmbeddedDriver

RESULT = pytest.StashKey[RunResult]()
CODE = pytest.StashKey[int]()
PROVING = pytest.StashKey[Proving]()
_TRIALS = pytest.StashKey[list[Trial]]()
_OTHERS = pytest.StashKey["_Others"]()
_CASE = pytest.StashKey[Case]()
try:
    import uvloop
except ImportError:  # not installed, or not to be had on this platform
    uvloop = None  # type: ignore[assignment]

pytest_plugins = ("conformance.provide",)

_BENCH_FIXTURE = "ocpp_bench"
"""Every fixture of ours asks for this one, so that whoever needs a system under test can be told by it."""

OK, BELOW_GATE, BAD_INPUT, HARNESS_ERROR = 0, 1, 2, 3


class Unproven(Exception):  # noqa: N818 -- a verdict, which Allure shows as broken and not as failed
    """The case could not be judged: nothing is said about the system under test."""


class HarnessBroke(Exception):  # noqa: N818
    """The harness, or the case, is at fault."""


# -- options --------------------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; `ocpp-conformance run` and `prove` are short for them."""
    group = parser.getgroup("ocpp", "OCPP conformance")
    group.addoption("--ocpp-sut", metavar="FILE", help="profile of the system under test, or `embedded`")
    group.addoption("--ocpp-plan", metavar="FILE", help="plan to run instead of the minimum proof")
    group.addoption(
        "--ocpp-proof", metavar="NAME", action="append", default=[], help="only this proof; may be repeated"
    )
    group.addoption("--ocpp-gate", metavar="GRADE", default="B", help="worst grade that still exits with 0 (default B)")
    group.addoption("--ocpp-reports", metavar="DIR", default="reports", help="where reports are written")
    group.addoption(
        "--ocpp-progress",
        metavar="SECONDS",
        type=float,
        default=3.0,
        help="say what is being waited for after so many seconds (default 3)",
    )
    group.addoption("--ocpp-lines", action="store_true", help="a line for each case as it ends, instead of a letter")
    group.addoption("--prove", action="store_true", help="run the cases against the reference and its mutants")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set up the run before allure and junitxml look at their own options."""
    config.addinivalue_line("markers", "ocpp: a test that needs a system under test, of --ocpp-sut")
    proving = config.getoption("--prove")
    sut = config.getoption("--ocpp-sut") or ("embedded" if proving else None)
    if sut is None:
        return
    if not proving and config.getoption("numprocesses", None):
        _stop("-n: a system under test has one life, and can't be shared by processes; only --prove can be spread")
    try:
        run = _new_run(config, sut, keep=not (proving or config.option.collectonly))
    except BadInputError as error:
        _stop(str(error))
    if proving and not isinstance(run.profile.driver, EmbeddedDriver):
        _stop(f"--prove: expected the reference station and its mutants, got {sut}; leave --ocpp-sut out")
    config.stash[Bench.KEY] = Bench(run, proving=proving, say=_Say(config), pace=config.getoption("--ocpp-progress"))
    config.stash[_TRIALS], config.stash[_OTHERS] = [], _Others()
    config.pluginmanager.register(_Trials(config.stash[_TRIALS]))
    config.pluginmanager.register(config.stash[_OTHERS])
    config.pluginmanager.register(_Loop())
    if config.getoption("--ocpp-lines"):
        config.pluginmanager.register(_Lines(config))
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(suite.folder())]
    if not proving:
        config.option.allure_report_dir = config.option.allure_report_dir or str(run.folder / "allure-results")
        config.option.xmlpath = config.option.xmlpath or str(run.folder / "junit.xml")


def _new_run(config: pytest.Config, sut: str, *, keep: bool) -> Run:
    """The run that the options ask for, in a folder that goes at the end unless it is to be kept."""
    reports = config.getoption("--ocpp-reports")
    if not keep:
        folder = tempfile.TemporaryDirectory(prefix="ocpp-conformance-")
        config.add_cleanup(folder.cleanup)
        reports = folder.name
    run = Run(
        Settings(
            sut=sut,
            plan=config.getoption("--ocpp-plan"),
            proofs=tuple(config.getoption("--ocpp-proof")),
            gate=config.getoption("--ocpp-gate"),
            reports=reports,
        )
    )
    config.add_cleanup(run.sink.close)
    return run


def _stop(message: str) -> NoReturn:
    """End the session over something that the user has to mend."""
    pytest.exit(message, returncode=BAD_INPUT)


class _Say:
    """Writes a line of progress to the terminal, past pytest's capture."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __call__(self, line: str) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        if reporter is None:
            return
        with capture.global_and_fixture_disabled() if capture is not None else contextlib.nullcontext():
            reporter.ensure_newline()
            reporter.write_line(f"  … {line}")
            reporter.flush()  # else whoever reads through a pipe sees it when all is over


def _bench(config: pytest.Config) -> Bench | None:
    return config.stash.get(Bench.KEY, None)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what is judged, by what, and where the report goes."""
    bench = _bench(config)
    if bench is None:
        return []
    run = bench.run
    lines = [f"ocpp: {run.profile.role} {run.profile.sut.name} as {run.profile.identity}, OCPP {run.version}"]
    if not bench.proving:
        lines.append(f"ocpp: {run.plan.title}, edition {run.plan.edition}; report in {run.folder}")
    return lines


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> None:
    """Run what needs a system under test in one event loop: its connection outlives each of them."""
    if _bench(collector.config) is None or not isinstance(collector, pytest.Module | pytest.Class):
        return
    if inspect.iscoroutinefunction(obj) and collector.istestfunction(obj, name):
        item = pytest.Function.from_parent(collector, name=name, callobj=obj)
        if _BENCH_FIXTURE in item.fixturenames and item.get_closest_marker("asyncio") is None:
            pytest.mark.asyncio(loop_scope="session")(obj)


class _Loop:
    """Chooses the event loop, in sessions with a system under test only."""

    def pytest_asyncio_loop_factories(self) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
        """uvloop's, where it is installed."""
        return {"loop": uvloop.new_event_loop if uvloop is not None else asyncio.new_event_loop}


# -- which cases ----------------------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """When proving, run a case on the reference, on the control and on every mutant of its requirements."""
    case = case_of(metafunc.function)
    bench = _bench(metafunc.config)
    if case is None or bench is None or not bench.proving or "ocpp_variant" not in metafunc.fixturenames:
        return
    mine = [name for name, breaks in _mutants().items() if breaks.requirement in case.requirements]
    controls = [REFERENCE, CONTROL] if not bench.run.excluded(case) else [PLAIN]
    alike = claims_of(controls[0])
    fitting = [name for name in (*controls, *mine) if claims_of(name) == alike]
    metafunc.parametrize("ocpp_variant", fitting, indirect=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Keep the cases that the plan asks for, in its order; those that are always on run last, whatever was selected."""
    bench = _bench(config)
    for item in items:
        _name(item, bench)
    if bench is None:
        yield
        _need_a_sut(config, items)
        return
    run = bench.run
    try:
        run.collected((item.stash[_CASE], item.path, item.originalname) for item in items if _is_case(item))
    except BadInputError as error:
        _stop(str(error))
    planned = {id_: place for place, id_ in enumerate(run.planned())}
    unwanted = [item for item in items if _is_case(item) and not run.wants(item.stash[_CASE])]
    items[:] = [item for item in items if item not in unwanted]
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
    always = [item for item in items if _is_case(item) and item.stash[_CASE].always_on]
    there = len(items)
    yield
    if not bench.proving:
        if any(item not in always for item in items):
            items += [item for item in always if item not in items]
        items.sort(key=lambda item: _place(item, planned))
        run.chosen = [item.stash[_CASE].id for item in items if _is_case(item)]
    if not items and not session.testsfailed:
        _stop(_nothing_to_run(config, run, there))


def _need_a_sut(config: pytest.Config, items: list[pytest.Item]) -> None:
    needy = [item.nodeid for item in items if _is_case(item)]
    if needy and not config.option.collectonly:
        _stop(
            f"{len(needy)} of these tests need a system under test, {needy[0]} for instance: name its profile with "
            f"--ocpp-sut=FILE, or leave them out with -m 'not ocpp'"
        )


def _nothing_to_run(config: pytest.Config, run: Run, there: int) -> str:
    given = {"-k": config.option.keyword, "-m": config.option.markexpr}
    chosen = [f"{name} {value!r}" for name, value in given.items() if value]
    if there and chosen:
        return (
            f"nothing to run: {' and '.join(chosen)} selects none of {there} cases; `ocpp-conformance cases` lists them"
        )
    proofs = f", of the proofs {', '.join(run.settings.proofs)}," if run.settings.proofs else ""
    return (
        f"nothing to run: the plan {run.plan.title!r}{proofs} has no case for a {run.profile.role} of OCPP "
        f"{run.version} in {', '.join(config.args)}; choose another proof or plan"
    )


def _is_case(item: pytest.Item) -> TypeGuard[pytest.Function]:
    return _CASE in item.stash


def _name(item: pytest.Item, bench: Bench | None) -> None:
    """Make a case known by its own id: in the terminal, in JUnit, and for `-k`; and by the mark `ocpp`."""
    case = _case_of(item, bench)
    if case is None:
        return
    item.stash[_CASE] = case
    item.extra_keyword_matches.add(case.id)
    item.add_marker("ocpp")
    item.user_properties.append(("case", case.id))
    item.user_properties.append(("variant", _variant(item)))


def _variant(item: pytest.Item) -> str:
    """Which variant of the reference an item is about, in a proving run; "" in any other."""
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("ocpp_variant", "")) if callspec is not None else ""


def _place(item: pytest.Item, planned: dict[str, int]) -> tuple[bool, int]:
    case = item.stash.get(_CASE, None)
    if case is None:
        return False, -1
    return case.always_on, planned.get(case.id, len(planned))


def _case_of(item: pytest.Item, bench: Bench | None) -> Case | None:
    if not isinstance(item, pytest.Function):
        return None
    declared = case_of(item.function)
    if declared is not None:
        return declared
    if _BENCH_FIXTURE not in item.fixturenames:
        return None
    return (
        bench.run.own_case(item.nodeid, item.function.__doc__ or item.name) if bench else Case(item.nodeid, item.name)
    )


def _mutants() -> dict[str, Breaks]:
    from conformance.reference.mutants import all_mutants  # noqa: PLC0415 -- only a proving run needs the reference

    return {
        name: Breaks(vars(each)["breaks"], tuple(getattr(each, "also", ()))) for name, each in all_mutants().items()
    }


# -- verdicts -------------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End the session where a report can't be written: the disk is full, the network share is gone."""
    bench = _bench(item.config)
    if bench is None:
        return (yield)
    try:
        return (yield)
    except OSError as error:  # those of a test never come this far
        _no_room(bench.run, error)


def _no_room(run: Run, error: OSError) -> NoReturn:
    _stop(run.stop(f"{run.folder}: the report can't be written ({error.strerror or error}); make room and run again"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Leave out a case that a claim excludes; bring the system under test to the starting state."""
    bench, case = _bench(item.config), item.stash.get(_CASE, None)
    if bench is None or case is None:
        return (yield)
    bench.case_id = case.id
    first = bench.started()
    excluded = bench.run.excluded(case, claims_of(_variant(item)))
    if excluded:
        _note(item, bench, Ran(case, Verdict.NOT_APPLICABLE, reason=excluded))
        pytest.skip(excluded)
    item.stash[Bench.SPEC] = Spec(
        case,
        catalogue(bench.run.version),
        touched=bench.touched,
        malformed=lambda: bench.malformed(first),
    )
    try:
        return (yield)
    except pytest.exit.Exception:
        raise
    except pytest.skip.Exception as skipped:
        _note(item, bench, _skipped(case, skipped))
        raise
    except (NotSeen, NoAnswer, Unsupported, DriverFailed) as error:
        reason = f"the starting state could not be reached: {bench.told(_why(error))}"
        _note(item, bench, Ran(case, Verdict.INCONCLUSIVE, reason=reason, first=first, last=bench.started()))
        raise Unproven(_safe(bench, reason)) from None
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        _note(item, bench, Ran(case, Verdict.ERROR, reason=reason, first=first, last=bench.started()))
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Turn what a case noted into its verdict, and the verdict into an outcome of pytest."""
    bench, case, spec = _bench(item.config), item.stash.get(_CASE, None), item.stash.get(Bench.SPEC, None)
    if bench is None or case is None or spec is None:
        return (yield)
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
    except (AssertionError, Unsupported, DriverFailed, pytest.fail.Exception) as error:
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
    )
    _note(item, bench, ran)
    _raise(_safe(bench, _told(ran, reason)), ran.verdict, broke)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """A case after which something breaks is an ERROR, whatever it had come to."""
    bench, case = _bench(item.config), item.stash.get(_CASE, None)
    if bench is None or case is None:
        return (yield)
    bench.case_id = ""
    try:
        return (yield)
    except Exception as error:
        ran = bench.run.ran.get(case.id) or Ran(case, Verdict.PASS)
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
    case, ceiling = item.obj, bench.run.profile.timing.case

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


def _safe(bench: Bench, text: str) -> str:
    """A text for the terminal, without secrets."""
    return bench.run.transcript.secrets.text(text)


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
    item.user_properties.append(("verdict", str(ran.verdict)))
    if bench.proving:
        blamed = sorted({each.requirement for each in ran.findings if each.verdict in (Verdict.FAIL, Verdict.WARN)})
        trial = [ran.case.id, _variant(item) or REFERENCE, str(ran.verdict), blamed, ran.reason]
        item.user_properties.append(("ocpp-trial", trial))
        return
    run = bench.run
    bench.doubtful = ran.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR)
    run.record(ran)
    row = run.row(ran, run.plan.proof_of(ran.case.id) or OWN_CASES)
    try:
        allure.label_case(row)
        allure.attach(row, trace_text(run.transcript.entries[ran.first : ran.last], row.findings))
    except OSError as error:
        _no_room(run, error)
    if run.sink.failure is not None:
        _no_room(run, run.sink.failure)


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
    if category == "failed" and about.get("variant") not in (None, "", REFERENCE, CONTROL, PLAIN):
        category = "found out"
    return category, "" if config.getoption("--ocpp-lines") else letter, verdict


def _decided(report: pytest.TestReport) -> bool:
    return report.when == "call" or not report.passed


class _Lines:
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
        name = f"{about['case']}[{about['variant']}]" if about.get("variant") else str(about["case"])
        reporter.ensure_newline()
        reporter.write(f"{verdict:<14} ", **_COLOURS[verdict])
        reporter.write_line(f"{name:<34} {report.duration:6.2f} s")
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


# -- the end --------------------------------------------------------------------------------------------------------


class _Trials:
    """Collects the trials of a proving run, also from the workers of pytest-xdist."""

    def __init__(self, trials: list[Trial]) -> None:
        self._trials = trials

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the trial out of a finished test."""
        if report.when != "teardown":
            return
        for name, value in report.user_properties:
            if name == "ocpp-trial" and isinstance(value, list | tuple):
                case, variant, verdict, blamed, reason = value
                self._trials.append(Trial(case, variant, Verdict(verdict), tuple(blamed), reason))


class _Others:
    """Counts the failures of tests that are no cases."""

    failed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a report into account."""
        self.failed += report.failed and "case" not in dict(report.user_properties)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None]:
    """Write the result, and say by the exit code how the grades stand to the gate."""
    bench = _bench(session.config)
    if bench is None or hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return (yield)
    session.exitstatus = session.config.stash[CODE] = _finish(session.config, bench, exitstatus)
    try:
        return (yield)
    except OSError as error:  # junit.xml
        session.exitstatus = BAD_INPUT
        _complain(session.config, bench.run, error)


def _finish(config: pytest.Config, bench: Bench, exitstatus: int) -> int:
    """Write down what was found; returns the exit code."""
    early = None
    if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        early = HARNESS_ERROR if exitstatus == pytest.ExitCode.INTERNAL_ERROR else BAD_INPUT
    if bench.proving:
        if early is not None:
            return early
        trials = config.stash[_TRIALS]
        proving = config.stash[PROVING] = prove(_tried(bench.run, trials), _mutants(), trials)
        return OK if proving.clean else BELOW_GATE
    if not bench.used and not bench.run.ran:
        config.add_cleanup(bench.run.discard)
        return early or (BELOW_GATE if config.stash[_OTHERS].failed else OK)
    try:
        result = bench.run.finish(complete=early is None)
        allure.write_run_files(Path(config.option.allure_report_dir), result)
    except OSError as error:
        _complain(config, bench.run, error)
        return early or BAD_INPUT
    config.stash[RESULT] = result
    return early or max(exit_code(result), BELOW_GATE if config.stash[_OTHERS].failed else OK)


def _complain(config: pytest.Config, run: Run, error: OSError) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        reporter.write_line(f"{run.folder}: the report can't be written ({error.strerror or error})", red=True)


def exit_code(result: RunResult) -> int:
    """0 where every graded proof is at the gate or above it, 1 below it, 3 where the harness itself failed."""
    if any(case.verdict is Verdict.ERROR for case in result.cases):
        return HARNESS_ERROR
    graded = [proof.grade for proof in result.proofs if not proof.reason]
    return OK if graded and all(grade.passes(result.gate) for grade in graded) else BELOW_GATE


def _tried(run: Run, trials: Iterable[Trial]) -> list[Case]:
    """The cases that were tried; under pytest-xdist only the trials say which."""
    return [run.cases[id_] for id_ in dict.fromkeys(trial.case for trial in trials) if id_ in run.cases]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The verdict, for whoever sits at the terminal."""
    bench = _bench(config)
    if bench is None:
        return
    result, proving = config.stash.get(RESULT, None), config.stash.get(PROVING, None)
    if result is not None and result.cases:
        terminalreporter.section("conformance")
        for text, style in terminal.summary_lines(_unnoted(result), run_dir=bench.run.folder):
            terminalreporter.write_line(text, **({style: True} if style else {}))
    elif proving is not None:
        terminalreporter.section("proving")
        for line in _proving_lines(proving):
            terminalreporter.write_line(line)
    for line in _closing(config, bench.run, result):
        terminalreporter.write_line(line, red=True)


def _unnoted(result: RunResult) -> RunResult:
    """The result without its notes, which the terminal shows in full at the end."""
    return msgspec.structs.replace(result, notes=())


_NAMED = 3


def _closing(config: pytest.Config, run: Run, result: RunResult | None) -> list[str]:
    """What the exit code says beyond the grades."""
    lines = []
    errors = [case.id for case in result.cases if case.verdict is Verdict.ERROR] if result else []
    if errors:
        more = f" and {len(errors) - _NAMED} more" if len(errors) > _NAMED else ""
        lines.append(f"The harness itself failed in {', '.join(errors[:_NAMED])}{more}, and could not judge them")
    if others := config.stash[_OTHERS].failed:
        lines.append(f"{others} of the tests that are no cases failed")
    if config.stash.get(CODE, OK) == BAD_INPUT and result is not None:
        lines.append(f"Stopped before the end; what was seen until then is in {run.folder}")
    return lines


def _proving_lines(proving: Proving) -> list[str]:
    lines = [f"{proving.proven} of {proving.requirements} requirements of cases proven by a mutant"]
    lines += [f"survivor: {each}" for each in proving.survivors]
    lines += [f"wrongly blamed: {each}" for each in proving.wrongly_blamed]
    lines += [f"reference: {each}" for each in proving.reference_failures]
    return lines
