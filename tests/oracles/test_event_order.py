"""What is missing of a transaction, and what came too early: against a naive second implementation."""

from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles.event_order import Event, lost, lost_in_a_row, out_of_order, starts, told_events

NUMBERS = st.lists(st.integers(0, 40), max_size=40)


def events(numbers: list[int]) -> list[Event]:
    """Updated events with these numbers."""
    return [Event(number, "Updated") for number in numbers]


@given(NUMBERS)
def test_lost(numbers: list[int]) -> None:
    """Every number between the ends is there or lost."""
    missing = lost(events(numbers))
    if not numbers:
        assert missing == []
        return
    assert sorted({*missing, *numbers}) == list(range(min(numbers), max(numbers) + 1))
    assert not set(missing) & set(numbers)


@given(NUMBERS)
def test_lost_in_a_row(numbers: list[int]) -> None:
    """The longest run of lost numbers, found by spelling them out."""
    missing = set(lost(events(numbers)))
    spelled = "".join("x" if each in missing else " " for each in range(42))
    assert lost_in_a_row(events(numbers)) == max(len(run) for run in spelled.split(" "))


@given(NUMBERS)
def test_out_of_order(numbers: list[int]) -> None:
    """First arrivals are in order exactly when sorting them changes nothing."""
    first = list(dict.fromkeys(numbers))
    assert (out_of_order(events(numbers)) == "") == (first == sorted(first))


def test_says_which_event_was_early() -> None:
    """By its number, and that of the one that it came after."""
    assert out_of_order(events([0, 2, 2, 1])) == "the event with seqNo 1 came after the one with 2"


def test_events_without_a_number_are_left_out() -> None:
    """So are those whose number is none."""
    told = told_events([{"seqNo": 3, "eventType": "Ended"}, {"eventType": "Updated"}, {"seqNo": True}, {"seqNo": "4"}])
    assert told == [Event(3, "Ended")]


def test_a_repeated_start_is_one() -> None:
    """The same number and time make the same event."""
    one, other = {"seqNo": 0, "timestamp": "2026-01-01T00:00:00Z"}, {"seqNo": 0, "timestamp": "2026-01-01T00:05:00Z"}
    assert starts([one, dict(one)]) == 1
    assert starts([one, other]) == 2
