"""Baselines as files: what people may write, what is refused and how, and that what is written reads back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases.baseline import (
    Baseline,
    BaselineError,
    Limits,
    Line,
    address,
    dumps,
    fold,
    is_secret,
    load,
    loads,
    pairs,
    text,
)
from conformance.cases.keys import standard_key
from conformance.cases.variables import standard_variables

PLAIN = st.characters(codec="utf-8")
NUMBERS = st.integers(-(10**9), 10**9) | st.decimals(-1000, 1000, places=2).map(float)
LIMITS = st.builds(
    Limits,
    type=st.text(PLAIN),
    unit=st.text(PLAIN),
    min=st.none() | NUMBERS.map(float),
    max=st.none() | NUMBERS.map(float),
    values=st.lists(st.text(PLAIN), max_size=3).map(tuple),
)
EXPECTED = (
    st.fixed_dictionaries({})
    | st.fixed_dictionaries({"value": st.text(PLAIN)})
    | st.fixed_dictionaries({"any": st.just(value=True)})
    | st.fixed_dictionaries({"one_of": st.lists(st.text(PLAIN), min_size=1, max_size=3).map(tuple)})
    | st.fixed_dictionaries({"pattern": st.sampled_from(["[A-Z]+", "a|b", ".*", r"\d{2}"])})
    | st.fixed_dictionaries({"least": NUMBERS.map(float)})
    | st.fixed_dictionaries({"most": NUMBERS.map(float)})
)
LINES = st.builds(
    lambda expected, rest: Line(**expected, **rest),
    EXPECTED,
    st.fixed_dictionaries(
        {},
        optional={
            "mutability": st.sampled_from(["ReadOnly", "ReadWrite", "WriteOnly"]),
            "limits": LIMITS,
            "optional": st.just(value=True),
        },
    ),
)
NAMES = st.text(PLAIN, min_size=1).filter(lambda name: not is_secret(name) and fold(name))
TABLES = st.dictionaries(NAMES, LINES, max_size=5).filter(lambda table: len(set(map(fold, table))) == len(table))


@given(st.text(PLAIN), st.sampled_from(["drift", "ignored"]), TABLES, TABLES)
def test_what_is_written_reads_back(about, unlisted, variables, keys):
    baseline = Baseline(about=about, unlisted=unlisted, variables=variables, keys=keys)
    if variables or keys:
        assert loads(dumps(baseline)) == baseline
    else:
        with pytest.raises(BaselineError, match="got none"):
            loads(dumps(baseline))


@given(TABLES)
def test_each_has_a_line_of_its_own(variables):
    written = dumps(Baseline(variables=variables))
    lines = written.split("\n[variables]\n")[1].split("\n")[:-1] if variables else []
    assert len(lines) == len(variables)


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ('"300"', Line(value="300")),
        ("300", Line(value=300)),
        ("true", Line(value=True)),
        ("{ any = true }", Line(any=True)),
        ("{ from = 10, to = 900 }", Line(least=10, most=900)),
        ('{ pattern = "CS[0-9]+", mutability = "ReadOnly" }', Line(pattern="CS[0-9]+", mutability="ReadOnly")),
        ("{ one_of = [1, 2], optional = true }", Line(one_of=(1, 2), optional=True)),
        ("{ limits = { min = 1 } }", Line(limits=Limits(min=1))),
        ("{}", Line()),
    ],
)
def test_people_may_write(written, line):
    assert loads(f'[variables]\n"A.B" = {written}\n').variables == {"A.B": line}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[variables", "not valid TOML"),
        ("", "expected lines under"),
        ("[variables]", "expected lines under"),
        ("variables = 1", "[variables]: expected a table"),
        ("[variable]", "the file: unknown key variable; did you mean variables?"),
        ("about = 1\n[keys]\nA = 1", "about: expected text"),
        ('unlisted = "no"\n[keys]\nA = 1', "unlisted: expected drift or ignored"),
        ("[keys]\nA = [1]", '[keys] "A": expected text in quotes, or a table'),
        ("[keys]\nA = { valeu = 1 }", '[keys] "A": unknown key valeu; did you mean value?'),
        ("[keys]\nA = { value = [1] }", '[keys] "A": value: expected text, a number, true or false, got array'),
        ("[keys]\nA = { one_of = [[1]] }", '[keys] "A": one_of: expected a list of texts or numbers, got array'),
        ("[keys]\nA = { limits = { values = [1] } }", '[keys] "A": limits.values: expected a list of texts, got int'),
        ("[keys]\nA = { any = 1 }", '[keys] "A": any: expected true or false, got int'),
        ("[keys]\nA = { limits = { maximum = 1 } }", '[keys] "A": limits: unknown key maximum; did you mean max?'),
        ("[keys]\nA = { limits = 1 }", '[keys] "A": limits: expected'),
        (
            '[keys]\nA = { mutability = "Readonly" }',
            '[keys] "A": mutability: expected ReadOnly, ReadWrite or WriteOnly, got another one',
        ),
        ("[keys]\nA = { value = 1, any = true }", "got value and any; keep one"),
        ("[keys]\nA = { from = 2, to = 1 }", "got from 2 to 1"),
        ("[keys]\nA = { one_of = [] }", "one_of: expected at least one"),
        ('[keys]\nA = { pattern = "(" }', "pattern: expected a regular expression"),
        ('[keys]\nA = 1\n"a " = 1', "expected each once"),
        ('[variables]\n"EVSE[1](1).A" = 1\n"EVSE(1).a" = 1', "expected each once"),
        ('[keys]\nAuthorizationKey = "00"', "expected no secret in a baseline, got value"),
        ('[variables]\n"SecurityCtrlr.BasicAuthPassword" = { one_of = ["a"] }', "expected no secret in a baseline"),
        ('[keys]\nA = { secret = true, value = "x" }', "expected no secret in a baseline"),
        ("a = " + "[" * 5000, "not valid TOML"),
    ],
)
def test_what_can_not_be_used_is_said_in_one_message(content, said):
    with pytest.raises(BaselineError) as caught:
        loads(content)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_is_named(tmp_path):
    path = tmp_path / "b.toml"
    with pytest.raises(BaselineError, match=r"b\.toml: No such file"):
        load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(BaselineError, match="expected UTF-8"):
        load(path)
    path.write_text("[keys]\n")
    with pytest.raises(BaselineError, match=r"b\.toml: expected lines"):
        load(path)
    path.write_text("[keys]\nA = 1\n")
    assert load(path).keys == {"A": Line(value=1)}


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("OCPPCommCtrlr.HeartbeatInterval", " ocppcommctrlr.HEARTBEATINTERVAL", True),
        ("EVSE(1).Power", "EVSE[No. 1]( 1 ).Power", True),
        ("Connector(1,2).X", "Connector[x](1, 2).X", True),
        ("Fan[Rear](1).Speed", "Fan(1).Speed", False),
        ("A.B[EVSE]", "A.B", False),
        ("EVSE(1).Power", "EVSE(1).Power (MaxSet)", False),
    ],
)
def test_names_are_the_same(first, second, same):
    assert (fold(first) == fold(second)) is same


@pytest.mark.parametrize(
    ("name", "component", "variable", "type_"),
    [
        ("A.B", {"name": "A"}, {"name": "B"}, None),
        ("A[x].B[y]", {"name": "A", "instance": "x"}, {"name": "B", "instance": "y"}, None),
        ("Connector(1, 2).B", {"name": "Connector", "evse": {"id": 1, "connectorId": 2}}, {"name": "B"}, None),
        ("EVSE(1).Power (MaxSet)", {"name": "EVSE", "evse": {"id": 1}}, {"name": "Power"}, "MaxSet"),
        ("A.B.C", {"name": "A"}, {"name": "B.C"}, None),
    ],
)
def test_a_variable_is_asked_for_by_its_name(name, component, variable, type_):
    asked = address(name)
    assert asked == {"component": component, "variable": variable} | ({"attributeType": type_} if type_ else {})


def test_a_name_that_is_none():
    assert address("nothing") is None


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("SecurityCtrlr.BasicAuthPassword", True),
        ("AuthorizationKey", True),
        ("Wifi.pass_phrase", True),
        ("HalfmoonApiKey", True),
        ("Network(1).Password[slot.1]", True),
        ("SecurityCtrlr.SecurityProfile", False),
        ("OCPPCommCtrlr.PublicKeyWithSignedMeterValue", False),
        ("PasswordCtrlr.Enabled", False),
    ],
)
def test_secrets_are_known_by_their_names(name, secret):
    assert is_secret(name) is secret


def test_values_as_ocpp_writes_them():
    assert [text(each) for each in ("x", True, 3, 3.0, 2.5, float("inf"))] == ["x", "true", "3", "3", "2.5", "inf"]


def test_limits_in_words():
    limits = Limits("integer", "s", 1, 900, ("a", "b"))
    assert str(limits) == "integer s from 1 to 900 of a,b"
    assert str(Limits()) == "none"
    assert limits.same(Limits("Integer", "S", 1, 900, ("b", "a")))
    assert not limits.same(Limits("Integer", "S", 1, 901, ("b", "a")))


def test_the_pairs_are_keys_and_variables_of_the_documents():
    known = {(each.component, each.variable) for each in standard_variables()}
    for pair in pairs():
        assert standard_key(pair.key) is not None, pair.key
        assert pair.names("1.6") == (pair.key,)
        twins = [row for row in known if row[1] == pair.variable]
        assert not twins or (pair.component, pair.variable) in known, pair.names("2.0.1")
    for version in ("1.6", "2.0.1"):
        names = [fold(name) for pair in pairs() for name in pair.names(version)]
        assert len(set(names)) == len(names)
