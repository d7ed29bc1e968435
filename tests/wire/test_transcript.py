"""The transcript: append-only, correlated, watched, written line by line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.wire.frames import Call, CallError, CallResult, Malformed, decode, encode_call, encode_result
from conformance.wire.schemas import Problem
from conformance.wire.transcript import Clock, Entry, JsonLinesSink, Sender, Transcript


@pytest.fixture
def clocked() -> Transcript:
    ticks = iter(range(1000))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return Transcript(Clock(lambda: start + timedelta(seconds=next(ticks)), lambda: float(next(ticks))))


def say(transcript: Transcript, sender: Sender, raw: str, link: int = 1, station: str = "CS001") -> Entry:
    return transcript.add("frame", sender=sender, frame=decode(raw), link=link, station=station)


def test_an_entry_says_what_when_and_who(clocked: Transcript) -> None:
    problem = Problem("/x", "type", "no")
    entry = clocked.add(
        "frame", sender="sut", frame=decode('[3,"1",{}]'), link=2, station="CS", problems=(problem,), detail={"a": [1]}
    )
    assert (entry.n, entry.utc, entry.at) == (0, datetime(2026, 1, 1, tzinfo=UTC), 1.0)
    assert entry.to_json() == {
        "n": 0,
        "utc": "2026-01-01T00:00:00.000000Z",
        "at": 1.0,
        "kind": "frame",
        "link": 2,
        "station": "CS",
        "sender": "sut",
        "frame": {"type": 3, "id": "1", "action": None, "raw": '[3,"1",{}]'},
        "problems": [{"path": "/x", "keyword": "type", "message": "no"}],
        "detail": {"a": [1]},
    }
    assert "#0" in str(entry)
    assert '[3,"1",{}]' in str(entry)
    with pytest.raises(AttributeError):
        entry.n = 5  # type: ignore[misc]
    with pytest.raises(TypeError):
        entry.detail["a"] = 1  # type: ignore[index]


def test_entries_can_only_be_read(clocked: Transcript) -> None:
    first, second, third = (clocked.note(text) for text in "abc")
    assert list(clocked.entries) == [first, second, third]
    assert clocked.entries[1] is second
    assert list(clocked.entries[1:]) == [second, third] == list(clocked.since(1))
    assert list(clocked.since(-1)) == [first, second, third]
    assert not hasattr(clocked.entries, "append")


def test_answers_find_their_requests(clocked: Transcript) -> None:
    boot = say(clocked, "sut", '[2,"1","BootNotification",{}]')
    ours = say(clocked, "harness", '[2,"1","Reset",{}]')
    booted = say(clocked, "harness", '[3,"1",{}]')
    refused = say(clocked, "sut", '[4,"1","NotSupported","",{}]')
    again = say(clocked, "sut", '[3,"1",{}]')
    pending = say(clocked, "sut", '[2,"2","Heartbeat",{}]')
    elsewhere = say(clocked, "harness", '[3,"2",{}]', link=2)
    reset, *_ = clocked.exchanges(sender="harness")
    assert (reset.call, reset.answer, reset.later) == (ours, refused, (again,))
    [first, second] = clocked.exchanges(sender="sut")
    assert (first.call, first.answer, first.later) == (boot, booted, ())
    assert (second.call, second.answer) == (pending, None)
    assert clocked.unasked() == [elsewhere]
    assert clocked.duplicates() == [again]
    assert clocked.exchange(again) is not None
    assert clocked.exchange(elsewhere) is None
    assert clocked.asked(1, "sut", "2") is pending
    assert clocked.asked(2, "sut", "2") is None


def test_exchanges_can_be_filtered(clocked: Transcript) -> None:
    say(clocked, "sut", '[2,"1","Heartbeat",{}]', link=1, station="A")
    say(clocked, "sut", '[2,"1","Heartbeat",{}]', link=2, station="B")
    late = say(clocked, "sut", '[2,"2","Authorize",{}]', link=2, station="B")
    assert len(clocked.exchanges(action="Heartbeat")) == 2
    assert len(clocked.exchanges(station="B")) == 2
    assert len(clocked.exchanges(link=1)) == 1
    assert [each.call for each in clocked.exchanges(since=late.n)] == [late]


def test_a_retry_with_the_same_id_gets_the_answer_and_then_the_first_try(clocked: Transcript) -> None:
    first = say(clocked, "sut", '[2,"1","TransactionEvent",{}]')
    retry = say(clocked, "sut", '[2,"1","TransactionEvent",{}]')
    answer = say(clocked, "harness", '[3,"1",{}]')
    [one, two] = clocked.exchanges()
    assert (one.call, one.answer, two.call, two.answer) == (first, None, retry, answer)
    late = say(clocked, "harness", '[3,"1",{}]')
    third = say(clocked, "harness", '[3,"1",{}]')
    [one, two] = clocked.exchanges()
    assert (one.answer, two.answer, two.later) == (late, answer, (third,))


def test_broken_frames_take_part_as_far_as_they_can_be_read(clocked: Transcript) -> None:
    long_id = "x" * 37
    broken = say(clocked, "sut", f'[2,"{long_id}","Heartbeat",{{}}]')
    refusal = say(clocked, "harness", f'[4,"{long_id}","RpcFrameworkError","",{{}}]')
    fine = say(clocked, "harness", '[2,"7","Reset",{}]')
    null = say(clocked, "sut", '[3,"7",null]')
    nothing = say(clocked, "sut", "{")
    no_id = say(clocked, "sut", "[3,null,{}]")
    minus = say(clocked, "sut", '[4,"-1","RpcFrameworkError","",{}]')
    [one, two] = clocked.exchanges()
    assert (one.call, one.answer) == (broken, refusal)
    assert (two.call, two.answer) == (fine, null)
    assert clocked.unasked() == [minus]
    assert clocked.exchange(nothing) is clocked.exchange(no_id) is None
    assert say(clocked, "sut", "[2]").frame == Malformed("a CALL has 4 elements, this has 1", None, "", 2)


def test_a_refused_answer_of_2_1_belongs_to_its_exchange(clocked: Transcript) -> None:
    say(clocked, "harness", '[2,"1","Reset",{}]')
    answer = say(clocked, "sut", '[3,"1",{}]')
    refusal = say(clocked, "harness", '[5,"1","GenericError","",{}]')
    stray = say(clocked, "harness", '[5,"9","GenericError","",{}]')
    [exchange] = clocked.exchanges()
    assert (exchange.answer, exchange.later, exchange.refusal) == (answer, (), refusal)
    assert clocked.unasked() == [stray]


def test_frames_can_be_filtered(clocked: Transcript) -> None:
    boot = say(clocked, "sut", '[2,"1","BootNotification",{}]')
    clocked.note("between")
    booted = say(clocked, "harness", '[3,"1",{}]')
    beat = say(clocked, "sut", '[2,"2","Heartbeat",{}]', link=2, station="CS002")
    error = say(clocked, "harness", '[4,"2","GenericError","",{}]', link=2, station="CS002")
    assert clocked.frames() == [boot, booted, beat, error]
    assert clocked.frames(sender="sut") == [boot, beat]
    assert clocked.frames(kind=Call) == [boot, beat]
    assert clocked.frames(kind=(CallResult, CallError)) == [booted, error]
    assert clocked.frames(action="BootNotification") == [boot, booted]
    assert clocked.frames(action="BootNotification", kind=CallResult) == [booted]
    assert clocked.frames(station="CS002") == [beat, error] == clocked.frames(link=2)
    assert clocked.frames(since=booted.n) == [booted, beat, error]
    assert [clocked.action_of(each) for each in (boot, error, clocked.note("x"))] == [
        "BootNotification",
        "Heartbeat",
        None,
    ]


Step = tuple[bool, int, str]


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 2), st.sampled_from("abc")), max_size=40))
def test_correlation_agrees_with_a_naive_search(steps: list[tuple[bool, bool, int, str]]) -> None:
    transcript = Transcript()
    naive: list[dict[str, Any]] = []
    unasked = []
    for asks, by_sut, link, message_id in steps:
        sender: Sender = "sut" if by_sut else "harness"
        raw = encode_call(message_id, "A", {}) if asks else encode_result(message_id, {})
        entry = say(transcript, sender, raw, link)
        if asks:
            naive.append({"call": entry, "answer": None, "later": []})
            continue
        same = [
            each
            for each in naive
            if (each["call"].link, each["call"].sender != sender) == (link, True)
            and each["call"].frame.message_id == message_id
        ]
        waiting = [each for each in same if each["answer"] is None]
        if waiting:
            waiting[-1]["answer"] = entry
        elif same:
            same[-1]["later"].append(entry)
        else:
            unasked.append(entry)
    assert [(each.call, each.answer, list(each.later)) for each in transcript.exchanges()] == [
        (each["call"], each["answer"], each["later"]) for each in naive
    ]
    assert transcript.unasked() == unasked


def test_watchers_see_every_entry_in_order_even_those_they_cause(clocked: Transcript) -> None:
    first: list[int] = []
    second: list[int] = []

    def answering(entry: Entry) -> None:
        first.append(entry.n)
        if entry.n < 3:
            clocked.note("more")

    clocked.watch(answering)
    clocked.watch(watcher := lambda entry: second.append(entry.n))
    clocked.note("start")
    assert first == second == [0, 1, 2, 3]
    clocked.unwatch(watcher)
    clocked.unwatch(watcher)
    clocked.note("more")
    assert (first, second) == ([0, 1, 2, 3, 4], [0, 1, 2, 3])


def test_a_watcher_that_raises_blinds_nobody(clocked: Transcript) -> None:
    seen: list[int] = []

    def broken(_: Entry) -> None:
        raise ZeroDivisionError

    clocked.watch(broken)
    clocked.watch(lambda entry: seen.append(entry.n))
    with pytest.raises(ZeroDivisionError):
        clocked.note("x")
    assert seen == [0]
    clocked.unwatch(broken)
    clocked.note("y")
    assert seen == [0, 1]


def test_the_sink_has_each_line_at_once(tmp_path: Path) -> None:
    sink = JsonLinesSink(tmp_path / "wire.jsonl")
    transcript = Transcript(sink=sink)
    say(transcript, "sut", '[2,"1","Authorize",{"x":"é"}]')
    transcript.note("lone \ud800 surrogate", odd={1}, nested=[("\udfff",)], more={"\ud800": 1})
    lines = (tmp_path / "wire.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["n"] for line in lines] == [0, 1]
    assert json.loads(lines[0])["frame"]["raw"] == '[2,"1","Authorize",{"x":"é"}]'
    assert json.loads(lines[1])["detail"]["text"] == "lone \\ud800 surrogate"
    sink.close()
    transcript.note("after")
    assert len((tmp_path / "wire.jsonl").read_text("utf-8").splitlines()) == 2
    assert sink.failure is None


def test_a_full_disk_loses_the_file_and_not_the_run(tmp_path: Path) -> None:
    class Full:
        closed = False
        left = 10

        def write(self, data: memoryview) -> int:
            if not self.left:
                raise OSError(28, "No space left on device")
            taken, self.left = min(self.left, len(data)), self.left - min(self.left, len(data))
            return taken

        def close(self) -> None:
            raise OSError(28, "No space left on device")

    sink = JsonLinesSink(tmp_path / "wire.jsonl")
    sink.close()
    sink._file = Full()  # type: ignore[assignment]
    transcript = Transcript(sink=sink)
    transcript.note("a")
    transcript.note("b")
    assert sink.failure is not None
    assert sink.failure.errno == 28
    assert len(transcript.entries) == 2
    sink.close()


def test_a_file_that_can_not_be_opened_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        JsonLinesSink(tmp_path / "missing" / "wire.jsonl")


def test_look_ups_stay_fast_in_a_long_transcript() -> None:
    transcript = Transcript()
    for number in range(20_000):
        transcript.add("frame", sender="sut", frame=Call(str(number), "Heartbeat", {}, ""), link=1)
    for number in range(20_000):
        assert transcript.asked(1, "sut", str(number)) is transcript.entries[number]
    assert len(transcript.exchanges(since=19_999)) == 1
