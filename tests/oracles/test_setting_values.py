"""Values made for a setting, against a second and naive reading of what a setting can have."""

from decimal import Decimal, InvalidOperation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases.safe import Safe
from conformance.oracles.device_model import Characteristics
from conformance.oracles.setting_values import NO_SUCH, edges, fits, others, same, wrong

ANY = Safe(name="X", least=-1_000_000, most=1_000_000)
WORDS = ("A", "B", "Current.Import", "Voltage")


def can_have(kind, value):
    """Say by hand, type by type and digit by digit, whether a setting can have a value."""
    if kind.type in ("integer", "decimal"):
        digits = value[1:] if value[:1] in ("+", "-") else value
        before, dot, after = digits.partition(".")
        parts = [before, after] if dot else [before]
        if (dot and kind.type == "integer") or any(not part or set(part) - set("0123456789") for part in parts):
            return False
        size = Decimal(value)
    elif kind.type == "boolean":
        return value.lower() in {"true", "false"}
    elif kind.type in ("OptionList", "MemberList", "SequenceList"):
        entries = [value.strip()] if kind.type == "OptionList" else [each for each in value.split(",") if each]
        entries = [each.lower() for each in entries]  # no value differs from another in its case alone
        if len(entries) != len(set(entries)) or any(each not in map(str.lower, kind.values) for each in entries):
            return False
        return kind.maximum is None or len(value) <= kind.maximum
    else:
        size = Decimal(len(value))
    low = kind.minimum is None or size >= Decimal(kind.minimum)
    return low and (kind.maximum is None or size <= Decimal(kind.maximum))


@st.composite
def numbers(draw):
    kind = draw(st.sampled_from(["integer", "decimal"]))
    low = draw(st.none() | st.integers(-50, 50))
    high = draw(st.none() | st.integers(low if low is not None else -50, 100))
    now = draw(st.integers(low if low is not None else -100, high if high is not None else 200))
    least = draw(st.integers(-60, 60))
    safe = Safe(name="X", least=least, most=draw(st.integers(least, 120)))
    return Characteristics(kind, minimum=low, maximum=high), str(now), safe


@st.composite
def lists(draw):
    kind = draw(st.sampled_from(["OptionList", "MemberList", "SequenceList"]))
    values = draw(st.lists(st.sampled_from(WORDS), min_size=1, unique=True))
    now = draw(st.lists(st.sampled_from(values), min_size=1, max_size=1 if kind == "OptionList" else 4, unique=True))
    return Characteristics(kind, maximum=draw(st.none() | st.just(100)), values=tuple(values)), ",".join(now), ANY


@st.composite
def texts(draw):
    most = draw(st.integers(1, 20))
    kind = draw(st.sampled_from([Characteristics("string", maximum=most), Characteristics("boolean")]))
    now = draw(st.text("ab", max_size=most)) if kind.type == "string" else draw(st.sampled_from(["true", "false"]))
    return kind, now, ANY


SETTINGS = st.one_of(numbers(), lists(), texts())


@given(SETTINGS)
def test_others_are_what_it_can_have_and_has_not(setting):
    kind, now, safe = setting
    found = others(kind, now, safe)
    assert len(found) == len(set(found)) <= 4
    for value in found:
        assert can_have(kind, value)
        assert value != now
        if kind.type in ("integer", "decimal"):
            assert safe.least <= Decimal(value) <= safe.most


@given(numbers())
def test_there_is_another_number_wherever_there_can_be_one(setting):
    kind, now, safe = setting
    low = max(each for each in (kind.minimum, safe.least) if each is not None)
    high = min(each for each in (kind.maximum, safe.most) if each is not None)
    there_is = any(each != int(now) for each in range(low, high + 1))
    assert bool(others(kind, now, safe)) is there_is


@given(lists())
def test_there_is_another_choice_wherever_there_can_be_one(setting):
    kind, now, safe = setting
    assert bool(others(kind, now, safe)) is (len(kind.values) > 1)


@given(SETTINGS)
def test_edges_are_within(setting):
    kind, _, safe = setting
    for value in edges(kind, safe):
        assert can_have(kind, value)
        if kind.type in ("integer", "decimal"):
            assert Decimal(value) in (kind.minimum, kind.maximum)
            assert safe.least <= Decimal(value) <= safe.most


@given(SETTINGS)
def test_wrong_values_are_wrong(setting):
    kind, now, _ = setting
    found = wrong(kind, now)
    for each in found:
        assert not can_have(kind, each.value)
        assert each.what
        if each.rule == "range" and kind.type in ("integer", "decimal"):
            assert Decimal(each.value) < (kind.minimum or 0) or Decimal(each.value) > (kind.maximum or 0)
        if each.rule == "member":
            assert NO_SUCH in each.value
    ends = [each for each in (kind.minimum, kind.maximum) if each is not None]
    assert len([each for each in found if each.rule == "range"]) == (0 if kind.is_list else len(ends))


@given(SETTINGS, st.text("0123456789-+.,AB truefals", max_size=8))
def test_fits_as_a_naive_reader_has_it(setting, value):
    kind, now, _ = setting
    assert fits(kind, now)
    spaced = kind.is_list and (value != value.strip() or " " in value or not value.strip(","))
    if not spaced:
        assert fits(kind, value) == can_have(kind, value)


@given(numbers(), st.text("0123456789-+.", max_size=5), st.text("0123456789-+.", max_size=5))
def test_numbers_are_the_same_by_their_value(setting, one, other):
    kind, _, _ = setting
    try:
        equal = Decimal(one) == Decimal(other)
    except InvalidOperation:
        equal = one == other
    if fits(Characteristics("decimal"), one) and fits(Characteristics("decimal"), other):
        assert same(kind, one, other) == equal


@pytest.mark.parametrize(
    ("type_", "one", "other", "equal"),
    [
        ("MemberList", "A,B", "B, A", True),
        ("MemberList", "A,B", "A", False),
        ("SequenceList", "A,B", "B,A", False),
        ("SequenceList", "A,B", "a , b", True),
        ("OptionList", "A", "a", True),
        ("boolean", "true", "True", True),
        ("boolean", "true", "false", False),
        ("string", "a", "A", False),
        ("decimal", "5", "5.0", True),
        ("integer", "seven", "seven", True),
        ("integer", "seven", "7", False),
        ("dateTime", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", True),
        ("dateTime", "2026-01-01T00:00:00Z", "soon", False),
    ],
)
def test_values_that_mean_the_same(type_, one, other, equal):
    assert same(Characteristics(type_), one, other) is equal


def test_values_that_are_named_come_first():
    kind = Characteristics("integer", minimum=0)
    found = others(kind, "60", Safe(name="X", least=0, most=3600, values=("60", "300", "-1")))
    assert found[0] == "300"
    assert "-1" not in found


def test_without_bounds_only_named_numbers_are_set():
    kind = Characteristics("integer", minimum=0, maximum=10)
    safe = Safe(name="X", values=("3", "5"))
    assert others(kind, "3", safe) == ["5"]
    assert edges(kind, safe) == []


def test_of_a_list_whose_entries_are_named_nothing_is_made_up():
    kind = Characteristics("MemberList", values=("A", "B"))
    safe = Safe(name="X", values=("A", "C"))
    assert others(kind, "A", safe) == ["C"]
    assert edges(kind, safe) == []


def test_a_text_is_never_made_up():
    assert others(Characteristics("string", maximum=10), "now", Safe(name="X")) == []
    assert others(Characteristics("string", maximum=3), "now", Safe(name="X", values=("then", "one"))) == ["one"]


def test_a_moment_has_no_other_and_no_word_fits_it():
    kind = Characteristics("dateTime")
    assert fits(kind, "2026-01-01T00:00:00Z")
    assert [each.rule for each in wrong(kind, "")] == ["format"]
    assert others(kind, "2026-01-01T00:00:00Z", ANY) == edges(kind, ANY) == []


def test_what_does_not_fit_on_the_wire_is_not_tried():
    assert wrong(Characteristics("string", maximum=500), "", longest=500) == []
    assert wrong(Characteristics("string", maximum=499), "", longest=500)


def test_what_tells_nothing_can_have_anything():
    assert fits(Characteristics(""), "whatever")
    assert wrong(Characteristics(""), "") == []


def test_fractions_keep_their_digits():
    kind = Characteristics("decimal", minimum=0.5, maximum=2.25)
    assert edges(kind, ANY) == ["0.5", "2.25"]
    assert {each.value for each in wrong(kind, "1") if each.rule == "range"} == {"-0.5", "3.25"}


def test_a_list_that_does_not_tell_what_it_may_hold_loses_an_entry():
    kind = Characteristics("MemberList")
    assert others(kind, "A,B", ANY) == ["A"]
    assert others(kind, "A", ANY) == edges(kind, ANY) == wrong(kind, "A") == []
