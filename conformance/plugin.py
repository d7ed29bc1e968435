"""The pytest hooks: options, which cases run, and what their outcome is called."""

import asyncio
import inspect
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

import pytest

from conformance import suite
from conformance.bench import Bench, claims_of, implicit_case
from conformance.cases.case import Case, case_of
from conformance.cases.catalogue import catalogue
from conformance.cases.proving import CONTROL, PLAIN, REFERENCE, Breaks, Proving, Trial, prove
from conformance.cases.spec import CaseOver, Spec, conclude, said
from conformance.cases.verdict import Finding, Verdict
from conformance.peers.received import NotSeen
from conformance.report import allure, terminal
from conformance.report.evidence import trace_text
from conformance.report.result import RunResult
from conformance.run import BadInputError, Ran, Run, Settings
from conformance.sut.drivers import DriverFailed, Unsupported

RESULT = pytest.StashKey[RunResult]()
PROVING = pytest.StashKey[Proving]()
_TRIALS = pytest.StashKey[list[Trial]]()
_CASE = pytest.StashKey[Case]()
try:
    import uvloop
except ImportError:  # not installed, or not to be had on this platform
    uvloop = None  # type: ignore[assignment]

pytest_plugins = ("conformance.provide",)

_FIXTURES = frozenset({"rig", "csms", "station", "network", "spec", "transcript"})

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
    group.addoption("--ocpp-proof", metavar="NAME", action="append", default=[], help="only this proof; may be repeated")
    group.addoption("--ocpp-gate", metavar="GRADE", default="B", help="worst grade that still exits with 0 (default B)")
    group.addoption("--ocpp-reports", metavar="DIR", default="reports", help="where reports are written")
    group.addoption("--ocpp-lines", action="store_true", help="a line for each case as it ends, instead of a letter")
    group.addoption("--prove", action="store_true", help="run the cases against the reference and its mutants")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set up the run before pytest-asyncio, allure and junitxml look at their own options."""
    config.addinivalue_line("markers", "ocpp: a case of the OCPP conformance harness")
    proving = config.getoption("--prove")
    sut = config.getoption("--ocpp-sut") or ("embedded" if proving else None)
    if sut is None:
        return
    try:
        run = Run(
            Settings(
                sut=sut,
                plan=config.getoption("--ocpp-plan"),
                proofs=tuple(config.getoption("--ocpp-proof")),
                gate=config.getoption("--ocpp-gate"),
                reports=config.getoption("--ocpp-reports"),
            )
        )
    except BadInputError as error:
        pytest.exit(str(error), returncode=BAD_INPUT)
    config.stash[Bench.KEY] = Bench(run, proving=proving, say=_Say(config))
    config.stash[_TRIALS] = []
    config.pluginmanager.register(_Trials(config.stash[_TRIALS]))
    config.pluginmanager.register(_Loop())
    if config.getoption("--ocpp-lines"):
        config.pluginmanager.register(_Lines(config))
    config.option.asyncio_mode = "auto"
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(suite.folder())]
    if not proving:
        config.option.allure_report_dir = config.option.allure_report_dir or str(run.folder / "allure-results")
        config.option.xmlpath = config.option.xmlpath or str(run.folder / "junit.xml")


class _Say:
    """Writes a line of progress to the terminal, past pytest's capture."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __call__(self, line: str) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(f"  … {line}")


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
def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> None:
    """Run every test of the session in one event loop: the connection of the system under test outlives each of them."""
    if _bench(collector.config) is not None and inspect.iscoroutinefunction(obj):
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
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Keep the cases that the plan asks for, in its order; those that are always on run last, whatever was selected."""
    bench = _bench(config)
    if bench is None:
        yield
        return
    run = bench.run
    planned = {id_: place for place, id_ in enumerate(run.planned())}
    shipped = frozenset(suite.all_cases())
    chosen: list[pytest.Item] = []
    for item in items:
        case = _case_of(item)
        if case is None:
            chosen.append(item)
            continue
        _name(item, case)
        if case.id not in shipped or case.id in planned:
            chosen.append(item)
    items[:] = chosen
    always = [item for item in items if item.stash.get(_CASE, None) and item.stash[_CASE].always_on]
    yield
    if not bench.proving:
        if any(item not in always for item in items):
            items += [item for item in always if item not in items]
        items.sort(key=lambda item: _place(item, planned))


def _name(item: pytest.Item, case: Case) -> None:
    """Make the case known by its own id: in the terminal, in JUnit, and for `-k`."""
    item.stash[_CASE] = case
    item.extra_keyword_matches.add(case.id)
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


def _case_of(item: pytest.Item) -> Case | None:
    if not isinstance(item, pytest.Function):
        return None
    declared = case_of(item.function)
    if declared is not None:
        return declared
    return implicit_case(item) if _FIXTURES & set(item.fixturenames) else None


def _mutants() -> dict[str, Breaks]:
    from conformance.reference.mutants import all_mutants  # noqa: PLC0415 -- only a proving run needs the reference

    return {name: Breaks(each.breaks, tuple(getattr(each, "also", ()))) for name, each in all_mutants().items()}


# -- verdicts -------------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Leave out a case that a claim excludes; bring the system under test to the starting state."""
    bench, case = _bench(item.config), item.stash.get(_CASE, None)
    if bench is None or case is None:
        return (yield)
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
    except (NotSeen, Unsupported, DriverFailed) as error:
        reason = f"the starting state could not be reached: {error}"
        _note(item, bench, Ran(case, Verdict.INCONCLUSIVE, reason=reason, first=first, last=bench.started()))
        raise Unproven(reason) from None
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
    reason, broke, result, over = "", None, None, False
    try:
        result = yield
    except CaseOver:
        over = True
    except pytest.skip.Exception as skipped:
        _note(item, bench, Ran(case, Verdict.NOT_APPLICABLE, reason=str(skipped)))
        raise
    except (AssertionError, Unsupported, DriverFailed) as error:
        reason = said(error) if isinstance(error, AssertionError) else f"not judged: {error}"
        if not case.requirements and type(error) is AssertionError:
            raise  # an undeclared test of the user's own: a plain assert is its verdict
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is reported as the verdict ERROR
        wrong = bench.malformed(first)
        if wrong and isinstance(error, LookupError | TypeError | ValueError | AttributeError):
            reason = f"{wrong} ({type(error).__name__}: {error})"
        else:
            reason, broke = f"{type(error).__name__}: {error}", error
    verdict = _conclude(spec, reason=reason, broke=broke, over=over)
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
    _raise(ran, broke)
    return result


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


def _raise(ran: Ran, broke: Exception | None) -> None:
    lines = [f"{each.requirement} {each.verdict}: {each.message}" for each in ran.findings if each.message]
    text = "\n".join([f"{ran.case.id} {ran.verdict}", *lines, *([ran.reason] if not lines else [])])
    match ran.verdict:
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
    bench.run.record(ran)
    row = bench.run.row(ran, bench.run.plan.proof_of(ran.case.id) or "own cases")
    allure.label_case(row)
    entries = bench.run.transcript.entries[ran.first : ran.last]
    allure.attach(row, trace_text(entries, row.findings))
    if bench.run.sink.failure is not None:
        pytest.exit(
            f"{bench.run.folder}: the transcript can't be written: {bench.run.sink.failure}; free some space and run "
            f"again",
            returncode=BAD_INPUT,
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a case that could not be judged as its reason, without a traceback."""
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(Unproven):
        report.longrepr = str(call.excinfo.value)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """Call each outcome by its verdict."""
    verdict = dict(report.user_properties).get("verdict")
    if not isinstance(verdict, str) or not _decided(report):
        return None
    category, letter = _SHOWN[Verdict(verdict)]
    return category, "" if config.getoption("--ocpp-lines") else letter, verdict


def _decided(report: pytest.TestReport) -> bool:
    return report.when == "call" or (report.when == "setup" and not report.passed)


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


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the result, and say by the exit code how the grades stand to the gate."""
    bench = _bench(session.config)
    if bench is None or hasattr(session.config, "workerinput"):
        return
    if bench.proving:
        trials = session.config.stash[_TRIALS]
        proving = prove(_tried(bench.run, trials), _mutants(), trials)
        session.config.stash[PROVING] = proving
        session.exitstatus = exitstatus if exitstatus == BAD_INPUT else (OK if proving.clean else BELOW_GATE)
        return
    interrupted = exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR)
    if session.config.option.collectonly:
        return
    try:
        result = bench.run.finish(complete=not interrupted)
        allure.write_run_files(Path(session.config.option.allure_report_dir), result)
    except OSError as error:
        bench.run.notes.append(f"{bench.run.folder}: the report can't be written: {error}")
        session.exitstatus = BAD_INPUT
        return
    session.config.stash[RESULT] = result
    session.exitstatus = BAD_INPUT if interrupted else exit_code(result)


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
    if result is not None:
        terminalreporter.section("conformance")
        for text, style in terminal.summary_lines(result, run_dir=bench.run.folder):
            terminalreporter.write_line(text, **({style: True} if style else {}))
    elif proving is not None:
        terminalreporter.section("proving")
        for line in _proving_lines(proving):
            terminalreporter.write_line(line)
    else:
        for note in bench.run.notes:
            terminalreporter.write_line(note, red=True)


def _proving_lines(proving: Proving) -> list[str]:
    lines = [f"{proving.proven} of {proving.requirements} requirements of cases proven by a mutant"]
    lines += [f"survivor: {each}" for each in proving.survivors]
    lines += [f"wrongly blamed: {each}" for each in proving.wrongly_blamed]
    lines += [f"reference: {each}" for each in proving.reference_failures]
    return lines
