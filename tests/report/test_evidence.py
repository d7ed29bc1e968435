import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from report_support import finding

from conformance.cases.verdict import Verdict
from conformance.report.evidence import trace_text
from conformance.wire.frames import decode
from conformance.wire.schemas import Problem
from conformance.wire.transcript import Clock, Transcript

BOOT = '[2,"a1","BootNotification",{"reason":"PowerUp","limit":16.10}]'


@pytest.fixture
def transcript():
    ticks = iter(range(100_000))
    start = datetime(2026, 10, 3, 12, tzinfo=UTC)
    moments = (start + timedelta(seconds=tick) for tick in range(100_000))
    return Transcript(Clock(utcnow=lambda: next(moments), monotonic=lambda: 100.0 + next(ticks)))


def sent(transcript, raw, sender="sut", **given):
    return transcript.add("frame", link=given.pop("link", 1), station="CS1", sender=sender, frame=decode(raw), **given)


def test_exchange_reads_as_who_said_what_when(transcript):
    sent(transcript, BOOT)
    sent(transcript, '[3,"a1",{"status":"Accepted"}]', sender="harness")
    sent(transcript, '[4,"a1","InternalError","sorry",{}]', sender="harness")
    lines = trace_text(transcript.entries, ()).splitlines()
    assert lines[0] == "times are seconds after 2026-10-03 12:00:00.000000 UTC; entries 0 to 2"
    assert " ".join(lines[1].split()) == "#0 0.000 SUT → harness link 1 BootNotification [a1]"
    assert lines[2].strip() == '{"reason": "PowerUp", "limit": 16.10}'
    assert " ".join(lines[3].split()) == "#1 1.000 SUT ← harness link 1 CALLRESULT to BootNotification [a1]"
    assert lines[4].strip() == '{"status": "Accepted"}'
    assert lines[5].endswith("CALLERROR to BootNotification [a1]")
    assert lines[6].strip() == '"InternalError"  "sorry"  {}'


def test_findings_mark_the_frames_that_they_point_at(transcript):
    sent(transcript, BOOT)
    transcript.add("ping", link=1, sender="sut")
    findings = [
        finding("B01.FR.05", Verdict.FAIL, "no", (0, 0)),
        finding("B01.FR.06", frames=(0,)),
        finding("B01.FR.07", Verdict.WARN, frames=(1,)),
    ]
    text = trace_text(transcript.entries, findings)
    assert "BootNotification [a1]  ◀ B01.FR.05 FAIL  ◀ B01.FR.06\n" in text
    assert "ping  ◀ B01.FR.07 WARN" in text


def test_problems_by_the_schema_are_flagged(transcript):
    problems = tuple(Problem(f"/x/{number}", "required", "is missing") for number in range(10))
    sent(transcript, BOOT, problems=problems)
    sent(transcript, BOOT, problems=(Problem("", "frame", "no"),))
    text = trace_text(transcript.entries, ())
    assert "! /x/0: is missing (required)" in text
    assert "! … and 2 more" in text
    assert "! payload: no (frame)" in text


def test_pings_and_pongs_are_folded(transcript):
    for kind in ("ping", "pong", "ping"):
        transcript.add(kind, link=1, sender="sut", detail={"data": "x"})
    sent(transcript, BOOT)
    transcript.add("ping", link=1, sender="sut")
    lines = trace_text(transcript.entries, ()).splitlines()
    assert lines[1].endswith("(2 pings, 1 pong)")
    assert lines[-1].endswith("(1 ping)")


def test_everything_else_that_happened_has_its_line(transcript):
    headers = {"Host": "csms", "User-Agent": "x \x1b"}
    detail = {"path": "/CS1", "status": 101, "offered": ["ocpp2.0.1"], "headers": headers}
    transcript.add("handshake", link=1, sender="sut", detail=detail)
    transcript.add("handshake", link=2, sender="sut", detail={"status": None, "error": "no certificate"})
    transcript.add("open", link=1, detail={"subprotocol": "ocpp2.0.1"})
    transcript.add("close", link=1, sender="sut", detail={"code": 1006, "reason": "", "how": "reset", "by": None})
    transcript.add("fault", sender="harness", detail={"fault": "outage", "phase": "begin", "seconds": 3})
    transcript.note("waited in vain", action="BootNotification")
    text = trace_text(transcript.entries, ())
    assert 'handshake 101, path /CS1, offered ["ocpp2.0.1"]\n              Host: csms\n' in text
    assert "User-Agent: x \\x1b\n" in text
    assert "handshake failed, error no certificate" in text
    assert "open, subprotocol ocpp2.0.1" in text
    assert "close, code 1006, how reset\n" in text
    assert "** network fault: outage begin, seconds 3" in text
    assert "-- waited in vain, action BootNotification" in text


def test_frame_that_a_fault_kept_from_the_wire_says_so(transcript):
    sent(transcript, BOOT, detail={"dropped": True})
    assert "(kept from the wire)" in trace_text(transcript.entries, ())


@pytest.mark.parametrize(
    "raw",
    [
        "not \x1b[31m json",
        "{}",
        "5",
        '[3,"a"]',
        "[2]",
        '[9,"a",{}]',
        "[" * 3000,
        '[2,"a","B",' + "[" * 3000,
        "\ud800",
        "",
    ],
)
def test_whatever_came_is_shown_and_commands_no_terminal(transcript, raw):
    sent(transcript, raw)
    sent(transcript, BOOT)
    text = trace_text(transcript.entries, ())
    assert all(line.isprintable() for line in text.splitlines())
    assert "BootNotification" in text
    text.encode()


def test_send_is_named(transcript):
    sent(transcript, '[6,"a","NotifyPeriodicEventStream",{"id":1}]')
    assert "NotifyPeriodicEventStream (SEND) [a]" in trace_text(transcript.entries, ())


def test_payload_is_laid_out_as_it_came(transcript):
    payload = '{"a":1.0,"a":1e400,"list":[{"text":"' + "y" * 70 + '"},{"text":"' + "z" * 70 + '"}],"none":null}'
    sent(transcript, f'[2,"a","Boot",{payload}]')
    lines = [line.strip() for line in trace_text(transcript.entries, ()).splitlines()]
    assert '"a": 1.0,' in lines
    assert '"a": 1e400,' in lines
    assert '{"text": "' + "y" * 70 + '"},' in lines
    assert '"none": null' in lines


def test_spaces_in_a_payload_stay(transcript):
    sent(transcript, '[2,"a","DataTransfer",{"data":"a  b\u2028c"}]')
    assert '{"data": "a  b\\u2028c"}' in trace_text(transcript.entries, ())


def test_long_payloads_are_cut_with_a_note(transcript):
    sent(transcript, json.dumps([2, "a", "DataTransfer", {"data": "x" * 50_000}]))
    sent(transcript, json.dumps([2, "a", "DataTransfer", {"data": "x" * 500_000}]))
    text = trace_text(transcript.entries, ())
    assert len(re.findall(r"… cut here, 50+\d+ characters in all: see the transcript", text)) == 2
    assert len(text) < 6000


def test_long_traces_keep_the_beginning_and_the_end(transcript):
    for number in range(500):
        sent(transcript, json.dumps([2, f"id-{number}", "DataTransfer", {"data": "x" * 1500}]))
    text = trace_text(transcript.entries, ())
    assert len(text.encode()) < 210_000
    assert "[id-0]" in text
    assert "[id-499]" in text
    assert "entries left out: see the transcript" in text


def test_secrets_stay_secret(transcript):
    transcript.redact(["hunter2hunter2"])
    sent(transcript, '[2,"a","DataTransfer",{"data":"hunter2hunter2"}]')
    transcript.note("the password is hunter2hunter2")
    assert "hunter2" not in trace_text(transcript.entries, ())


def test_lines_of_the_transcript_give_the_same_text(transcript):
    sent(transcript, BOOT, problems=(Problem("/x", "required", "is missing"),))
    transcript.note("done")
    rows = [json.loads(json.dumps(entry.to_json())) for entry in transcript.entries]
    assert trace_text(rows, ()) == trace_text(transcript.entries, ())


def test_silence(transcript):
    assert trace_text(transcript.entries, ()) == "nothing was on the wire\n"
