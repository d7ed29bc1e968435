import asyncio
import io
import queue
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.reference.station import StationConfig
from conformance.reference.station16 import StationConfig16
from conformance.sut.drivers import ACTIONS, Context, DriverFailed, Measured, StationDriver, Unsupported, create_driver
from conformance.sut.drivers.terminal import Terminal
from conformance.sut.profile import SutProfile, load_profile, resolve
from conformance.sut.tables import Version

Profile = Callable[..., SutProfile]

REFERENCE = load_profile(resolve("reference-station"))


async def do(station: StationDriver, action: str) -> None:
    """Carry out any action, with some arguments."""
    given: dict[str, tuple[Any, ...]] = {
        "present_id_token": (1, "04AB"),
        "set_load": (1, 7_000.0),
        "measure_load": (1,),
        "set_fault": (1, 1, "OtherError"),
        "commission": (2, "wss://localhost:9443/ocpp"),
    }
    await getattr(station, action)(*given.get(action, ()))


# -- nobody -----------------------------------------------------------------------------------------------------------


async def test_a_station_that_nobody_operates_can_do_nothing(profile: Profile, context: Context, notes: object) -> None:
    station = create_driver(profile())
    await station.start(context)
    for action in (*ACTIONS, "power_cycle"):
        assert not station.can(action)
        with pytest.raises(Unsupported) as caught:
            await do(station, action)
        assert caught.value.action == action
    assert station.trouble == ""
    assert "driver: plug_in is not supported {'why': 'nobody operates this station" in str(notes)
    await station.stop()


async def test_a_driver_must_be_started(profile: Profile) -> None:
    with pytest.raises(DriverFailed, match="plug_in: the driver has not been started"):
        await create_driver(profile()).plug_in()


def test_a_mutant_needs_the_embedded_driver(profile: Profile) -> None:
    with pytest.raises(ValueError, match="a mutant runs in the embedded driver only"):
        create_driver(profile(), mutant=object)


# -- embedded ---------------------------------------------------------------------------------------------------------


class Station:
    """Stands in for a mutant of the reference station."""

    made: "Station"

    def __init__(self, config: Any) -> None:
        self.config: Any = config
        self.done: list[str] = []
        Station.made = self

    async def power_on(self) -> None:
        self.done.append("on")

    async def power_off(self) -> None:
        self.done.append("off")

    async def plug_in(self, evse: int, connector: int) -> None:
        if evse == 9:
            raise KeyError(evse)
        self.done.append(f"plug {evse}/{connector}")

    async def set_load(self, evse: int, watts: float) -> None:
        await asyncio.Event().wait()

    async def measure_load(self, evse: int) -> object:
        return {"watts": 3680} if evse == 1 else "plenty"


async def test_the_embedded_driver_calls_the_station(context: Context) -> None:
    station = create_driver(REFERENCE, mutant=Station)
    assert station.can("plug_in")
    assert station.can("power_cycle")
    assert not station.can("unplug")
    assert not station.can("reboot")
    await station.start(context)
    made = Station.made
    assert (made.config.csms_url, made.config.identity) == (context.csms_url, context.identity)
    assert made.config.password == "correct horse battery"
    await station.plug_in(2, 1)
    await station.power_cycle()
    assert await station.measure_load(1) == Measured(watts=3680)
    with pytest.raises(DriverFailed, match=r'measure_load: expected {"amperes": .* got plenty'):
        await station.measure_load(2)
    with pytest.raises(DriverFailed, match=r"plug_in: the reference station can't do that: KeyError\(9\)"):
        await station.plug_in(9)
    await station.stop()
    await station.stop()
    assert made.done == ["on", "plug 2/1", "off", "on", "off"]
    with pytest.raises(DriverFailed):
        await station.plug_in()


@pytest.mark.parametrize(("version", "config"), [("2.0.1", StationConfig), ("1.6", StationConfig16)])
async def test_the_embedded_station_is_that_of_the_version(version: Version, config: type, context: Context) -> None:
    station = create_driver(REFERENCE.in_version(version), mutant=Station)
    await station.start(context)
    made = Station.made
    assert made.config.password == "correct horse battery"
    assert type(made.config) is config
    await station.stop()


async def test_every_action_has_a_ceiling(context: Context, notes: object) -> None:
    made = create_driver(REFERENCE, mutant=Station)
    station = StationDriver(made._hands, ceiling=0.05)
    await station.start(context)
    with pytest.raises(DriverFailed, match=r"set_load: the driver did not finish within 0.05 s"):
        await station.set_load(1, 100)
    assert "driver: set_load failed" in str(notes)
    await station.stop()


@pytest.mark.parametrize(
    ("version", "unknown"),
    [("2.0.1", ["set_fault"]), ("1.6", ["disconnect_ev", "ev_stop", "ev_arrive", "ev_depart"])],
)
async def test_the_reference_of_each_version_knows_every_action_of_it(
    version: Version, unknown: list[str], context: Context
) -> None:
    station = create_driver(REFERENCE.in_version(version))
    assert [action for action in ACTIONS if not station.can(action)] == unknown
    await station.start(context)
    await station.plug_in()
    await station.stop()


# -- process ----------------------------------------------------------------------------------------------------------

PROGRAM = Path(__file__).parent / "program.py"


@pytest.fixture
def program(profile: Profile) -> Callable[..., StationDriver]:
    """A driver for the program of these tests, with its arguments."""

    def make(
        *arguments: str, protocol: str = "jsonl", action: float = 20, command: list[str] | None = None
    ) -> StationDriver:
        words = command or [sys.executable, str(PROGRAM), *arguments]
        listed = ", ".join(f"'''{word}'''" for word in words)
        return create_driver(
            profile(
                after=f"""
                [timing]
                action = {action}

                [driver]
                kind = "process"
                protocol = "{protocol}"
                command = [{listed}]
                env = {{STATION_URL = "{{url}}"}}
                """
            )
        )

    return make


Make = Callable[..., StationDriver]


def is_running(pid: int) -> bool:
    """Whether a process is there and has not merely not been waited for yet."""
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


async def eventually(condition: Callable[[], object]) -> None:
    """Let the loop run until something holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 -- files and other people's processes send no event
            await asyncio.sleep(0.01)


async def test_a_program_is_asked_and_answers(program: Make, context: Context, notes: object) -> None:
    station = program("id={identity}", "at={csms_url}", "with={url}", "in={version}", "braces={other}", "twice=1")
    assert not station.can("plug_in")
    await station.start(context)
    assert station.can("plug_in")
    assert station.can("power_cycle")
    assert not station.can("dance")
    assert not station.can("set_load")
    await station.plug_in(1, 2)
    with pytest.raises(Unsupported, match="unplug: no simulated cable"):
        await station.unplug()
    with pytest.raises(DriverFailed, match="present_id_token: the reader is dirty"):
        await station.present_id_token(1, "04AB", "ISO15693")
    with pytest.raises(Unsupported, match="set_load: the driver program knows plug_in, power_off, power_on"):
        await station.set_load(1, 7)
    noted = str(notes)
    assert "'args': {'evse': 1, 'idToken': '04AB', 'type': 'ISO15693'}" in noted
    filled = "'id=CS 001', 'at=ws://127.0.0.1:9000/ocpp', 'with=ws://127.0.0.1:9000/ocpp/CS%20001', 'in=2.0.1'"
    assert f"[{filled}, 'braces={{other}}'" in noted
    assert "'env': 'ws://127.0.0.1:9000/ocpp/CS%20001'" in noted
    assert "answered too late, or twice" in noted
    assert "'password': '•••'" in noted
    assert "correct horse" not in noted
    assert station.trouble == ""
    await station.stop()
    assert station.trouble == ""
    assert (context.folder / "driver.log").read_text() == "program started •••\n"


async def test_a_program_that_stops_talking_says_so(program: Make, context: Context) -> None:
    code = (
        "import os, sys, threading\n"
        'print(\'{"event": "ready", "actions": ["plug_in"]}\', flush=True)\n'
        "print('x' * 1_200_000)\n"
        "print('no end', end='', flush=True)\n"
        "sys.stdin.readline(); os.close(1); threading.Event().wait(60)\n"
    )
    station = program(command=[sys.executable, "-c", code])
    await station.start(context)
    with pytest.raises(DriverFailed, match=r"plug_in: the driver program closed its standard output$"):
        await station.plug_in()
    await station.stop()


async def test_a_program_that_stops_listening_says_so(program: Make, context: Context) -> None:
    code = (
        "import os, threading\n"
        "os.close(0)\n"
        'print(\'{"event": "ready", "actions": ["plug_in"]}\', flush=True)\n'
        "threading.Event().wait(60)\n"
    )
    station = program(command=[sys.executable, "-c", code])
    await station.start(context)
    with pytest.raises(DriverFailed, match="plug_in: "):
        await station.plug_in()
    await station.stop()


def test_a_program_can_be_driven_from_uvloop(program: Make, context: Context) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def drive() -> None:
        station = program()
        await station.start(context)
        await station.plug_in()
        with pytest.raises(DriverFailed, match="exit code 7"):
            await station.power_off()
        await station.stop()

    uvloop.run(drive())


async def test_requests_may_overlap(program: Make, context: Context) -> None:
    station = program()
    await station.start(context)
    await asyncio.gather(*(station.plug_in(evse) for evse in range(1, 20)))
    await station.stop()


async def test_a_program_that_ends_says_why(program: Make, context: Context, notes: object) -> None:
    station = program()
    await station.start(context)
    with pytest.raises(
        DriverFailed, match=r"power_off: the driver program ended with exit code 7; .*\n.*\n    no more$"
    ):
        await station.power_off()
    assert station.trouble.startswith("the driver program ended with exit code 7")
    with pytest.raises(DriverFailed, match="plug_in: the driver program ended with exit code 7"):
        await station.plug_in()
    assert "driver program ended" in str(notes)
    await station.stop()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["exit=3"], "start: the driver program ended with exit code 3; its last words, in driver.log:"),
        (["exit=3", "garbage=hello"], "the first of its lines that made no sense: 'hello' (expected a JSON object"),
        (["mute=1"], "start: the driver program was not ready within 4 s"),
        (["mute=1", "garbage=[1]"], "within 4 s; the first of its lines that made no sense: '[1]'"),
        (
            ['ready={"event": "ready"}'],
            'the driver program said ready without "actions", a list of texts; it said None',
        ),
        (['ready={"event": "ready", "actions": "all"}'], 'it said "all"'),
    ],
)
async def test_a_program_that_does_not_get_ready(
    program: Make, context: Context, arguments: list[str], message: str
) -> None:
    station = program(*arguments, action=4.0 if "mute=1" in arguments else 20)
    with pytest.raises(DriverFailed) as caught:
        await station.start(context)
    assert message in str(caught.value)
    await station.stop()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["wrong_id=99"], "power_on: the driver program answered request 99, which was never made"),
        (['wrong_id="1"'], 'power_on: the driver program answered request "1", which was never made'),
        (["odd_result=ok"], 'expected the result done, unsupported or failed of the driver program, got "ok"'),
        (["nonsense={}"], "did not answer request 1 within 1 s; the first of its lines that made no sense: '{}'"),
        (["silent=1"], "power_on: the driver program did not answer request 1 within 1 s"),
    ],
)
async def test_a_program_that_answers_nonsense(
    program: Make, context: Context, arguments: list[str], message: str
) -> None:
    station = program(*arguments, action=1)
    await station.start(context)
    with pytest.raises(DriverFailed) as caught:
        await station.power_on()
    assert message in str(caught.value)
    await station.plug_in()
    await station.stop()


async def test_lines_before_ready_are_noted_and_forgiven(program: Make, context: Context, notes: object) -> None:
    station = program("garbage=Loading…")
    await station.start(context)
    assert "'line': 'Loading…'" in str(notes)
    await station.stop()


@pytest.mark.parametrize("command", [["no-such-program-anywhere"], ["./no-such-program"]])
async def test_a_program_that_is_not_there(program: Make, context: Context, command: list[str]) -> None:
    station = program(command=command)
    with pytest.raises(DriverFailed, match=r"no-such-program.* can't be started in .*: No such file"):
        await station.start(context)
    await station.stop()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")
@pytest.mark.parametrize("protocol", ["jsonl", "none"])
async def test_what_a_program_started_ends_with_it(
    program: Make, context: Context, tmp_path: Path, protocol: str
) -> None:
    file = tmp_path / "pid"
    station = program(f"child={file}", *(["wait=1"] if protocol == "none" else []), protocol=protocol)
    await station.start(context)
    await eventually(lambda: file.exists() and file.read_text())
    child = int(file.read_text())
    assert is_running(child)
    await station.stop()
    await eventually(lambda: not is_running(child))


@pytest.fixture
def mains(program: Make, tmp_path: Path) -> Make:
    """A driver for a program that knows no protocol: it writes a line, and waits as long as it is let."""
    script = tmp_path / "idle.py"
    script.write_text(
        "import os, signal, sys, threading\n"
        "print('up', os.getpid(), flush=True)\n"
        "if len(sys.argv) > 1: signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "threading.Event().wait(60)\n",
        encoding="utf-8",
    )
    return lambda *arguments: program(command=[sys.executable, str(script), *arguments], protocol="none")


async def test_a_program_without_a_protocol_has_only_mains(mains: Make, context: Context) -> None:
    log = context.folder / "driver.log"
    station = mains()
    assert station.can("power_cycle")
    await station.start(context)
    await eventually(lambda: log.read_text().count("up") == 1)
    with pytest.raises(Unsupported, match="plug_in: the driver program knows power_off and power_on"):
        await station.plug_in()
    await station.power_off()
    await station.power_off()
    assert station.trouble == ""
    await station.power_on()
    await station.power_on()
    await eventually(lambda: log.read_text().count("up") == 2)
    await station.stop()


async def test_a_program_that_ends_by_itself_can_be_switched_on_again(
    program: Make, context: Context, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    code = f"import os\nwhile not os.path.exists(r'{stop}'): pass"
    station = program(command=[sys.executable, "-c", code], protocol="none")
    await station.start(context)
    stop.touch()
    await eventually(lambda: station.trouble)
    assert station.trouble == "the driver program ended with exit code 0"
    stop.unlink()
    await station.power_on()
    assert station.trouble == ""
    await station.stop()


async def test_a_program_that_ends_at_once_was_not_started(
    program: Make, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.sut.drivers.process._EARLY", 15)
    station = program("exit=4", protocol="none")
    with pytest.raises(DriverFailed, match="start: the driver program ended with exit code 4; its last words"):
        await station.start(context)
    await station.stop()


async def test_the_reference_station_speaks_the_protocol(program: Make, context: Context) -> None:
    command = [
        sys.executable,
        "-m",
        "conformance.reference.station",
        "--csms-url",
        "{csms_url}",
        "--identity",
        "{identity}",
    ]
    station = program(command=command)
    await station.start(context)
    assert [action for action in ACTIONS if not station.can(action)] == ["set_fault"]  # which is OCPP 1.6's
    await station.plug_in(1, 2)
    await station.power_cycle()
    with pytest.raises(DriverFailed, match="bad args"):
        await station.plug_in(99)
    await station.stop()


# -- operator ---------------------------------------------------------------------------------------------------------


class Person:
    """Types lines when told to, and sees what is asked."""

    def __init__(self) -> None:
        self.lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.saw = io.StringIO()
        self.terminal = Terminal(self, self.saw)

    def readline(self) -> bytes:
        return self.lines.get(timeout=10)

    def type(self, *lines: str) -> None:
        for line in lines:
            self.lines.put(line.encode() + b"\n")


@pytest.fixture
async def person() -> Person:
    return Person()


@pytest.fixture
async def operated(profile: Profile, context: Context, person: Person) -> StationDriver:
    settings = profile(after="[timing]\noperator = 0.2\n[driver]\nkind = 'operator'")
    station = create_driver(settings, terminal=person.terminal)
    await station.start(context)
    return station


async def test_a_person_is_told_where_the_station_dials(operated: StationDriver, person: Person) -> None:
    assert "ws://127.0.0.1:9000/ocpp/CS%20001" in person.saw.getvalue()
    assert "correct horse" not in person.saw.getvalue()
    await operated.stop()
    assert "yours again" in person.saw.getvalue()


async def test_a_person_does_it(operated: StationDriver, person: Person) -> None:
    for action in ACTIONS:
        person.type("7 kW" if action == "measure_load" else "")
        await do(operated, action)
    asked = person.saw.getvalue()
    assert "Plug the EV into EVSE 1, connector 1." in asked
    assert "Hold the card 04AB (ISO14443) to the reader of EVSE 1." in asked
    assert "draw 7000 W" in asked


async def test_a_person_cannot_do_it(operated: StationDriver, person: Person) -> None:
    person.type("n")
    with pytest.raises(Unsupported, match="unplug: the operator can't do it"):
        await operated.unplug()
    person.type("can't the plug is locked")
    with pytest.raises(Unsupported, match="unplug: the plug is locked"):
        await operated.unplug()
    assert operated.can("unplug")
    person.type("never no EV here")
    with pytest.raises(Unsupported, match="unplug: no EV here"):
        await operated.unplug()
    assert not operated.can("unplug")
    with pytest.raises(Unsupported, match="can never be done here"):
        await operated.unplug()


async def test_a_person_says_that_it_failed(operated: StationDriver, person: Person) -> None:
    person.type("f the lock is jammed")
    with pytest.raises(DriverFailed, match="unplug: the lock is jammed"):
        await operated.unplug()
    person.type("f")
    with pytest.raises(DriverFailed, match="unplug: the operator says that it failed"):
        await operated.unplug()


async def test_a_person_is_asked_again(operated: StationDriver, person: Person) -> None:
    person.type("what?", "done")
    await operated.plug_in()
    assert "'what?' is none of these" in person.saw.getvalue()


async def test_a_person_reads_a_meter(operated: StationDriver, person: Person) -> None:
    person.type("sixteen", "16,1 16,0 15,9")
    assert await operated.measure_load(1) == Measured(amperes=(16.1, 16.0, 15.9))
    assert "'sixteen' is none of 16.1 16.0 15.9" in person.saw.getvalue()
    person.type("n it has none")
    with pytest.raises(Unsupported, match="measure_load: it has none"):
        await operated.measure_load(1)


@pytest.mark.parametrize(
    ("text", "amperes", "watts"),
    [
        ("16.1 16.0 15.9", (16.1, 16.0, 15.9), None),
        ("16.1,16.0,15.9", (16.1, 16.0, 15.9), None),
        ("16, 16, 15", (16, 16, 15), None),
        ("10 A", (10,), None),
        ("11040 W", (), 11040),
        ("7,4 kW", (), 7400),
        ("0", (0,), None),
    ],
)
def test_what_a_person_may_type(text: str, amperes: tuple[float, ...], watts: float | None) -> None:
    assert Measured.typed(text) == Measured(amperes, watts)


@pytest.mark.parametrize("text", ["", "a lot", "3 kW 4", "16 A W", ". .", "12 V"])
def test_what_nobody_may_type(text: str) -> None:
    with pytest.raises(ValueError, match="is none of"):
        Measured.typed(text)


@pytest.mark.parametrize("told", [None, 7, "7", {"watts": True}, {"amperes": []}, {"amperes": ["1"]}, [float("nan")]])
def test_what_is_no_measurement(told: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        Measured.read(told)


async def test_nobody_answers(operated: StationDriver, person: Person) -> None:
    with pytest.raises(Unsupported, match=r"plug_in: nobody answered within 0.2 s"):
        await operated.plug_in()
    person.type("too late")
    await eventually(lambda: not person.terminal._reading)
    person.type("")
    await operated.plug_in()


async def test_one_question_at_a_time(operated: StationDriver, person: Person) -> None:
    person.type("", "")
    await asyncio.gather(operated.plug_in(1), operated.plug_in(2))
    assert person.saw.getvalue().count(">>") == 2


@pytest.mark.parametrize("source", [io.StringIO(), io.BytesIO()])
async def test_there_is_no_terminal(profile: Profile, context: Context, source: Any) -> None:
    station = create_driver(profile(after="[driver]\nkind = 'operator'"), terminal=Terminal(source, io.StringIO()))
    await station.start(context)
    with pytest.raises(Unsupported, match="there is no terminal at which to ask a person"):
        await station.plug_in()


async def test_a_terminal_that_breaks_is_none(profile: Profile, context: Context) -> None:
    source, sink = io.StringIO(), io.StringIO()
    source.close()
    sink.close()
    station = create_driver(profile(after="[driver]\nkind = 'operator'"), terminal=Terminal(source, sink))
    await station.start(context)
    with pytest.raises(Unsupported, match="there is no terminal"):
        await station.plug_in()
    await station.stop()


_AT_A_TERMINAL = """
import asyncio, fcntl, pathlib, sys, termios
from conformance.sut.drivers import Context, StationDriver, Unsupported
from conformance.sut.drivers.operator import OperatorHands

fcntl.ioctl(int(sys.argv[1]), termios.TIOCSCTTY, 0)

async def main():
    station = StationDriver(OperatorHands(None, patience=float(sys.argv[2]), version="1.6"), ceiling=60)
    await station.start(Context(csms_url="ws://x", identity="CS1", folder=pathlib.Path(), note=lambda text, **_: None))
    await station.plug_in()
    print("done", flush=True)
    try:
        await station.unplug()
    except Unsupported as error:
        print(error, flush=True)
    await station.stop()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
async def test_the_terminal_is_found_behind_redirections_and_holds_nothing_up() -> None:
    import os
    import pty

    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _AT_A_TERMINAL, str(theirs), "2"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        pass_fds=(theirs,),
    )
    shown = b""
    while b"Plug the EV into EVSE 1" not in shown or not shown.endswith(b": "):
        shown += await asyncio.to_thread(os.read, ours, 4096)
    os.write(ours, b"\n")
    async with asyncio.timeout(10):
        said, _ = await process.communicate()
    assert said.decode().splitlines() == ["done", "unplug: nobody answered within 2 s"]
    assert process.returncode == 0
    os.close(theirs)
    os.close(ours)


@pytest.mark.skipif(sys.platform == "win32", reason="needs /dev/tty to be missing")
async def test_without_a_terminal_there_is_nobody_to_ask() -> None:
    code = _AT_A_TERMINAL.replace("fcntl.ioctl", "str").replace("str(int(sys.argv[1]), termios.TIOCSCTTY, 0)", "")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, "0", "5"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    async with asyncio.timeout(10):
        _, said = await process.communicate()
    assert b"plug_in: there is no terminal at which to ask a person" in said
