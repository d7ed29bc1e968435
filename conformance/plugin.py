"""The pytest hooks: options, which cases run, and what their outcome is called."""

import asyncio
import contextlib
import inspect
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest

from conformance import interrupts, judging, spread, suite
from conformance.bench import Bench, Subject, claims_of, mutants_of, others_of
from conformance.cases.case import Case, cases_of
from conformance.cases.proving import CONTROL, REFERENCE, Proving, Trial, prove, together
from conformance.cases.verdict import Verdict
from conformance.judging import BAD_INPUT, Lines
from conformance.report import allure, terminal, view
from conformance.report.result import RunResult
from conformance.run import Run, Settings
from conformance.sut.tables import EmbeddedDriver
from conformance.target import BadInputError, Part, Target

RESULT = pytest.StashKey[RunResult]()
CODE = pytest.StashKey[int]()
PROVING = pytest.StashKey[Proving]()
_TRIALS = pytest.StashKey[list[Trial]]()
_OTHERS = pytest.StashKey["_Others"]()
try:
    import uvloop
except ImportError:  # not installed, or not to be had on this platform
    uvloop = None  # type: ignore[assignment]

pytest_plugins = ("conformance.provide",)

_PARAMETER = "ocpp_subject"
_BENCH_FIXTURE = "ocpp_bench"
"""Every fixture of ours asks for this one, so that whoever needs a system under test can be told by it."""

OK, BELOW_GATE, HARNESS_ERROR = 0, 1, 3


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
    group.addoption("--ocpp-fault-matrix", action="store_true", help="every fault at every moment, not only at some")
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
    spread_out = not proving and bool(config.getoption("numprocesses", None))
    try:
        run = _new_run(config, sut, keep=not (proving or config.option.collectonly), spread_out=spread_out)
        if spread_out:
            run.check_plan()
    except BadInputError as error:
        _stop(str(error))
    embedded = all(isinstance(profile.driver, EmbeddedDriver) for profile in run.profiles)
    if spread_out and not embedded:
        config.add_cleanup(run.discard)
        _stop(
            "-n: a system under test has one life, and can't be shared by processes; only the embedded references can "
            "be judged side by side"
        )
    if proving and not embedded:
        _stop(f"--prove: expected the references and their mutants, got {sut}; leave --ocpp-sut out")
    config.stash[Bench.KEY] = Bench(run, proving=proving, say=_Say(config), pace=config.getoption("--ocpp-progress"))
    config.stash[_TRIALS], config.stash[_OTHERS] = [], _Others()
    config.pluginmanager.register(_Trials(config.stash[_TRIALS]))
    config.pluginmanager.register(config.stash[_OTHERS])
    config.pluginmanager.register(_Loop())
    config.pluginmanager.register(spread.Nothing())
    if spread_out:
        config.pluginmanager.register(spread.Controller(run))
    config.pluginmanager.register(judging)
    if config.getoption("--ocpp-lines"):
        config.pluginmanager.register(Lines(config))
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(suite.folder())]
    if not proving:
        config.option.allure_report_dir = config.option.allure_report_dir or str(run.folder / "allure-results")
        config.option.xmlpath = config.option.xmlpath or str(run.folder / "junit.xml")


def _new_run(config: pytest.Config, sut: str, *, keep: bool, spread_out: bool) -> Run:
    """The run that the options ask for, in a folder that goes at the end unless it is to be kept."""
    reports, shared = config.getoption("--ocpp-reports"), spread.folder(config)
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
            fault_matrix=config.getoption("--ocpp-fault-matrix"),
            side_by_side=bool(shared) or spread_out,
        ),
        shared=shared,
    )
    config.add_cleanup(run.close)
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
    lines = [
        f"ocpp: {view.role_word(each.role)} {each.sut.name} as {each.identity}, OCPP {' and '.join(each.versions)}"
        for each in run.profiles
    ]
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

    @pytest.fixture(scope="session", name="_asyncio_loop_factory")
    @staticmethod
    def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
        """uvloop's, where it is installed.

        In place of pytest-asyncio's own fixture: its hook for this makes the factory a parameter of coroutines, so that
        a test that is none, and has no parameter, ends the session's loop under the system under test.
        """
        return uvloop.new_event_loop if uvloop is not None else None


# -- which cases ----------------------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a case on every target that it is about; when proving, on each fitting variant of its reference."""
    cases, bench = cases_of(metafunc.function), _bench(metafunc.config)
    if bench is None or not cases or "ocpp_subject" not in metafunc.fixturenames:
        return
    for each in cases:
        for target in bench.run.targets:
            _take(target, each)
    subjects: list[Subject | None] = [
        subject
        for target in bench.run.targets
        for each in cases
        if target.concerns(each)
        for subject in _subjects(bench, target, each.id)
    ]
    metafunc.parametrize(_PARAMETER, subjects or [None], ids=str, indirect=True)


def _take(target: Target, case: Case) -> None:
    try:
        target.take(case)
    except BadInputError as error:
        _stop(str(error))


def _subjects(bench: Bench, target: Target, id_: str) -> list[Subject]:
    case = target.cases[id_]
    home = bench.run.home(target, id_)
    if not bench.proving:
        others = [each for each in target.parts.values() if case.always_on and each is not home]
        return [Subject(target, home, case), *(Subject(target, each, case, guest=True) for each in others)]
    mine = [name for name, breaks in mutants_of(target).items() if set(breaks.requirements) & set(case.requirements)]
    controls = [REFERENCE, CONTROL] if not target.excluded(case) else _able(target, case)
    alike = claims_of(target, controls[0])
    return [Subject(target, home, case, name) for name in (*controls, *mine) if claims_of(target, name) == alike]


def _able(target: Target, case: Case) -> list[str]:
    """Of the compliant variants that can less, one that the case is about; any where there is none."""
    others = others_of(target) or [REFERENCE]
    return [name for name in others if not target.excluded(case, claims_of(target, name))][:1] or others[:1]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Keep the cases that the plan asks for, in its order; those that are always on run last, whatever was selected."""
    bench = _bench(config)
    if bench is None:
        for item in items:
            _mark(item, [case.id for case in cases_of(getattr(item, "function", None))])
        yield
        _need_a_sut(config, items)
        return
    run = bench.run
    found = [(case, item) for item in items for case in cases_of(getattr(item, "function", None))]
    try:
        run.collected((case, item.path, getattr(item, "originalname", item.name)) for case, item in found)
    except BadInputError as error:
        _stop(str(error))
    for item in items:
        _name(item, bench)
    unwanted = [item for item in items if not _wanted(item, run)]
    items[:] = [item for item in items if item not in unwanted]
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
    always = [item for item in items if _is_always_on(item)]
    there = len(items)
    yield
    if not bench.proving:
        asked = [item for item in items if not _is_guest(item)]
        judged = {subject.part for subject in _subjects_of(asked)}
        unasked = [each for each in always if each not in asked and each.stash[Bench.SUBJECT].part in judged]
        for item in unasked:
            item.stash[Bench.UNASKED] = True
        items[:] = [*asked, *unasked]
        parts = spread.longest_first(run, Counter(subject.part for subject in _subjects_of(items)))
        order = {part: (place, run.planned(target)) for place, (target, part) in enumerate(parts)}
        items.sort(key=lambda item: _place(item, order))
        for target in run.targets:
            target.choose(subject.case for subject in _subjects_of(items) if subject.target is target)
    if not items and not session.testsfailed:
        _end_over_nothing(config, _nothing_to_run(config, run, there))


def _wanted(item: pytest.Item, run: Run) -> bool:
    """Whether an item is to run: not where it is a case that is about none of the targets, or not asked for."""
    subject = item.stash.get(Bench.SUBJECT, None)
    if subject is not None:
        return run.wants(subject.target, subject.case) or not cases_of(item.function)  # type: ignore[attr-defined]
    return not cases_of(getattr(item, "function", None))


def _is_always_on(item: pytest.Item) -> bool:
    return Bench.SUBJECT in item.stash and item.stash[Bench.SUBJECT].case.always_on


def _is_guest(item: pytest.Item) -> bool:
    return Bench.SUBJECT in item.stash and item.stash[Bench.SUBJECT].guest


def _subjects_of(items: Iterable[pytest.Item]) -> Iterable[Subject]:
    return (item.stash[Bench.SUBJECT] for item in items if Bench.SUBJECT in item.stash)


def _need_a_sut(config: pytest.Config, items: list[pytest.Item]) -> None:
    needy = [item.nodeid for item in items if item.get_closest_marker("ocpp") is not None]
    if needy and not config.option.collectonly:
        _stop(
            f"{len(needy)} of these tests need a system under test, {needy[0]} for instance: name its profile with "
            f"--ocpp-sut=FILE, or leave them out with -m 'not ocpp'"
        )


def _end_over_nothing(config: pytest.Config, why: str) -> None:
    """End the session, or have a worker, which has no say in that, tell why it is done."""
    if not spread.tell_nothing(config, why):
        _stop(why)


def _nothing_to_run(config: pytest.Config, run: Run, there: int) -> str:
    given = {"-k": config.option.keyword, "-m": config.option.markexpr}
    chosen = [f"{name} {value!r}" for name, value in given.items() if value]
    if there and chosen:
        return (
            f"nothing to run: {' and '.join(chosen)} selects none of {there} cases; `ocpp-conformance cases` lists them"
        )
    proofs = f", of the proofs {', '.join(run.settings.proofs)}," if run.settings.proofs else ""
    kinds = " or ".join(f"a {view.role_word(target.role)} of OCPP {target.version}" for target in run.targets)
    return (
        f"nothing to run: the plan {run.plan.title!r}{proofs} has no case for {kinds} in {', '.join(config.args)}; "
        f"choose another proof or plan"
    )


def _mark(item: pytest.Item, ids: Iterable[str]) -> None:
    """Mark what needs a system under test, and let `-k` find it by the ids of its cases."""
    ids = list(ids)
    if ids or _BENCH_FIXTURE in getattr(item, "fixturenames", ()):
        item.extra_keyword_matches.update(ids)
        item.add_marker("ocpp")


def _name(item: pytest.Item, bench: Bench) -> None:
    """Tell what an item is run on; make it known by its own id: in the terminal, in JUnit, and for `-k`."""
    subject = _subject_of(item, bench)
    if subject is None:
        return
    item.stash[Bench.SUBJECT] = subject
    _mark(item, [subject.case.id])
    item.user_properties.append(("case", subject.case.id))
    item.user_properties.append(("name", subject.name))
    item.user_properties.append(("target", subject.target.name))
    item.user_properties.append(("variant", subject.variant))


def _subject_of(item: pytest.Item, bench: Bench) -> Subject | None:
    """What an item is run on: a case on the target that it was made for, a test of nobody's on the first."""
    if not isinstance(item, pytest.Function) or _BENCH_FIXTURE not in item.fixturenames:
        return None
    if cases_of(item.function):
        callspec = getattr(item, "callspec", None)
        given: Subject | None = callspec.params.get(_PARAMETER) if callspec is not None else None
        return given
    target = bench.run.targets[0]
    case = target.own_case(item.nodeid, item.function.__doc__ or item.name)
    return Subject(target, bench.run.home(target, case.id), case)


def _place(item: pytest.Item, order: dict[Part, tuple[int, list[str]]]) -> tuple[int, bool, int]:
    subject = item.stash.get(Bench.SUBJECT, None)
    if subject is None:
        return -1, False, -1
    place, planned = order[subject.part]
    id_ = subject.case.id
    return place, subject.case.always_on, planned.index(id_) if id_ in planned else len(planned)


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
                target, case, variant, verdict, blamed, reason = value
                self._trials.append(Trial(target, case, variant, Verdict(verdict), tuple(blamed), reason))


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
    if bench is not None and hasattr(session.config, "workerinput"):
        spread.hand_over(session.config, bench.run)
        return (yield)
    if bench is None or session.config.option.collectonly:
        return (yield)
    session.config.add_cleanup(interrupts.hold_off())
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        _let_go(session)
    session.exitstatus = session.config.stash[CODE] = _finish(session.config, bench, exitstatus)
    try:
        return (yield)
    except OSError as error:  # junit.xml
        session.exitstatus = BAD_INPUT
        _complain(session.config, bench.run, error)


def _let_go(session: pytest.Session) -> None:
    """Let the bench put back what is not, and go, before the report is written: at Ctrl-C pytest does so afterwards."""
    with contextlib.suppress(Exception):
        session._setupstate.teardown_exact(None)  # noqa: SLF001 -- there is no other way to it


def _finish(config: pytest.Config, bench: Bench, exitstatus: int) -> int:
    """Write down what was found; returns the exit code."""
    early = None
    if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        early = HARNESS_ERROR if exitstatus == pytest.ExitCode.INTERNAL_ERROR else BAD_INPUT
    if bench.proving:
        if early is not None:
            return early
        proving = config.stash[PROVING] = _proving(bench.run, config.stash[_TRIALS])
        return OK if proving.clean else BELOW_GATE
    if not bench.used and not any(target.ran for target in bench.run.targets):
        config.add_cleanup(bench.run.discard)
        return early or (OK if exitstatus == pytest.ExitCode.OK else BELOW_GATE)
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


def _proving(run: Run, trials: list[Trial]) -> Proving:
    """What the trials come to, target by target; only they say which cases were tried, under pytest-xdist."""
    parts: dict[str, Proving] = {}
    for target in run.targets:
        mine = [trial for trial in trials if trial.target == target.name]
        ids = dict.fromkeys(trial.case for trial in mine)
        tried = [target.cases[id_] for id_ in ids if id_ in target.cases]  # a test that is no case proves nothing
        if tried:
            left_out = [case for id_, case in target.cases.items() if id_ not in ids]
            parts[target.name] = prove(tried, mutants_of(target), mine, left_out)
    return together(parts)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The verdict, for whoever sits at the terminal."""
    bench = _bench(config)
    if bench is None:
        return
    result, proving = config.stash.get(RESULT, None), config.stash.get(PROVING, None)
    if result is not None and result.cases:
        terminalreporter.section("conformance")
        for text, style in terminal.summary_lines(_shown(result, bench.run), run_dir=bench.run.folder):
            terminalreporter.write_line(text, **({style: True} if style else {}))
    elif proving is not None:
        terminalreporter.section("proving")
        for line in _proving_lines(proving):
            terminalreporter.write_line(line)
    for line in _closing(config, bench.run, result):
        terminalreporter.write_line(line, red=True)


def _shown(result: RunResult, run: Run) -> RunResult:
    """The result without the note that pytest itself shows, as the reason why it stopped."""
    return msgspec.structs.replace(result, notes=tuple(note for note in result.notes if note != run.over))


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
