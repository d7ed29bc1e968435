import contextlib
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.cases.applicability import LISTED, Claim, ExpressionError, evaluate, features, parse
from conformance.cases.case import Role

ROLES: tuple[Role, ...] = get_args(Role)
STATION: Role = "station"

# What the lists of OCPP 2.0.1 Edition 3 and its errata have as conditions, misprints and all; `>` means CSMS only,
# `<` station only, where the other role's cases do not depend on the condition.
OFFICIAL = """
ISO-3
< AQ-1 and C-61
< AQ-3
< AS-3
> C-44
> C-45
> C-46
> C-17
> C-50.2
< C-56
< Not C-56
C-13
< NOT C-13
C-44 or NOT AQ-16 (CSMS)
< HFS-8 > 1
< AS-2 and C-47
< C-47
< (C-30 or C-31 or C-32) and NOT AQ-2
C-30 or C-31 or C-32
< (C-30 or C-31 or C-32) and AQ-2
< NOT AQ-2 and (C-30 or C-31 or C-32)
< C-49 and (C-30 or C-31 or C-32)
< C-49 and C-03 and (C- 30 or C-31 or C-32)
C-30 or C- 31 or C-32
< C-02 and (C-30 or C-31 or C-32)
< (C-30 or C-31 or C-32) AND (C-07 OR C-08)
< C-53 and (C-30 or C-31 or C-32)
< C-07 and (C-30 or C-31 or C-32)
< C-08 and (C-30 or C-31 or C-32)
< ISO-5
< C-59 and C-49 and (C- 30 or C-31 or C-32)
< LA-3 and (C-30 or C-31 or C- 32)
> LA-2
< C-09.4 and (C-51 or NOT (C-09.1 or C-09.2 or C-09.3 or C-09.6))
< C-09.5 and (C-51 or NOT (C-09.1 or C-09.2 or C-09.3 or C-09.4 or C-09.6))
< NOT AQ-2 and (C-30 - C-35 or ISO 15118 support)
C-30 or C-31 or C-32 or C-33 or C-35
C-30 - C-35 or ISO 15118 support
C-30 or C-31 or C-32 or C35
< C-10.3 and (C-52 or NOT C-10.2) and (C-30 or C-31 or C-32 or C35)
< C-10.4 and (C-52 or NOT (C-10.2 or C- 10.3))
< C-09.1 and (C-51 or NOT C-09.6)
< C-09.2 and (C-30 - C-35 or ISO 15118 support)
< C-09.3 and (C-51 or NOT (C-09.1 or C-09.2 or C-09.6))
< C-09.6
< C-09.2
< HFS-1 and C-10.1 and (C-52 or NOT (C-10.2 or C-10.3 or C-10.4))
< C-10.2 and (C-30 or C- 31 or C-32 or C35)
< (C-10.2 or C-10.3) and (C-30 - C-32 or ISO 15118 support) and C- 01
< C-10.2 and C-06.2 and AQ-9 and NOT (NOT C-52 and (C-10.1 or C-10.3 or C-10.4))
< C-10.5 and (C-52 or NOT (C-10.1 or C-10.2 or C-10.3 or C-10.4))
< (C-10.1 AND (NOT (NOT C-52 AND (C-10.3 or C-10.4))) AND NOT (NOT C.06.1 AND NOT C-52 AND C-10.2)) AND \
(AQ-9 OR Product Subtype "Mode 1/2- only Charging Station")
< C-10.2
< C-10.4
< HFS-1 and C-06.2 and C-12.1 and AQ-9 and NOT Product Subtype "Mode 1/2-only Charging Station"
< C-06.2 and C-12.2 and (AQ-9 OR Product Subtype "Mode 1/2- only Charging Station")
< (C-10.2 or C-10.5) and (C-52 or NOT (C-10.1 or C-10.3 or C-10.4)) and C-06.1 and C-12.2 and AQ-9 and \
NOT Product Subtype "Mode 1/2-only Charging Station"
< (C-10.2 or C-10.5) and (C-52 or NOT (C-10.1 or C-10.3 or C-10.4)) and C-06.1 and C-12.2 and HFS-2 and AQ-9 and \
NOT Product Subtype "Mode 1/2- only Charging Station"
> C-16
CSMS: C-16 Charging Station: NOT ( NOT (C-30 - C-35) AND (NOT C-10.1 AND NOT C-10.3 AND NOT C- 10.4 AND \
NOT C-10.5) AND NOT C-06.2 )
< C-10.3 and (C-52 or NOT C-10.2)
< C-10.3 and (C-52 or NOT (C-10.1 or C- 10.4)) AND (AQ-9 OR Product Subtype "Mode 1/2-only Charging Station")
< NOT C-09.5 and NOT Product Subtype "Mode 1/2-only Charging Station"
< (C-01 and (C-30 - C-34 or ISO 15118 support)) or C-35
< (C-30 or C-31 or C-32) AND (Local Authorization List Management or C-49)
< C-58 and (C-30 or C-31 or C-32) and (C-49 or Local Authorization List Management)
< C-10.1 AND (NOT (NOT C-52 AND (C-10.2 or C- 10.3 or C-10.4))) AND (HFS-4 OR ISO15118 support) AND \
NOT Product Subtype "Mode 1/2-only Charging Station"
< NOT AQ-2 and (C-36 -(or) C-39)
< C-48.1 and (C-36 -(or) C-39)
< C-48.2 and (C-36 -(or) C-39)
< HFS-1 and NOT Product Subtype "Mode 1/2-only Charging Station"
CS: HFS-1 and NOT Product Subtype Mode 1/2-only; CSMS: C-11
C-29.1
C-29.2
C-29.3
C-29.4
C-29.5
< C-29.6
< NOT AQ-11
R-2
NOT R-2
R-1
< R-3
< C-40
< C-40 and C-42
< C-28
< C-40 and NOT AQ-8 AND (C-09.2 OR C- 09.6)
< C-42
> SC-4
< NOT (SC- 2.1 and SC-2.2)
NOT Smart Charging
< SC-2
> C-15
< C-60
< NOT C-60
< C-20 and NOT C-43 and NOT AQ-7 and HFS-8 > 1
< NOT C-43 and NOT AQ- 7
< C-20 and NOT C-43 and AQ-7 and HFS-8 > 1
< NOT C-43 and AQ-7
< C-43
< AS-2
< AQ-5
< DM-3
(C-30 or C-31 or C-34) and (Local Authorization List Management or C-49)
< C-57
< AQ-10
C-14
ISO-4
< UI-1 and UI-2
< UI-1
< NOT (UI- 1.1 and UI-1.2 and UI-1.3)
< NOT (UI- 2.1 and UI-2.2 and UI-2.3 and UI-2.4)
< UI-1.2
< UI-1.1
< (UI-1.1 and UI- 1.2) or (UI- 1.2 and UI-1.3) or (UI-1.3 and UI- 1.1)
"""
CONDITIONS = [
    (line.lstrip("<> "), {"<": ("station",), ">": ("csms",)}.get(line[0], ("station",)))
    for line in OFFICIAL.replace("\\\n", "").strip().splitlines()
]


# -- the official lists ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("expression", "roles"), CONDITIONS)
def test_official_conditions_are_read(expression: str, roles: tuple[Role, ...]) -> None:
    for role in roles:
        parse(expression).check(role)
        applies = evaluate(expression, {}, role)
        assert bool(applies.reason) is not applies.applies


def naive(expression: str, claims: Mapping[str, Claim], role: Role) -> bool:
    """The same by another route: rewrite an official expression to Python and let Python decide."""
    text = re.sub(r"\s+", " ", expression)
    if "CSMS:" in text:
        halves = dict(re.findall(r"(CSMS|CS|Charging Station): (.*?)(?=;|Charging Station:|CSMS:|$)", text))
        text = halves["CSMS"] if role == "csms" else halves.get("CS", halves.get("Charging Station", ""))
    if text.endswith("(CSMS)"):
        if role == "station":
            return True
        text = text.removesuffix("(CSMS)")
    text = re.sub(r'Product Subtype "?Mode 1/2- ?only( Charging Station)?"?', "has('mode-1-2-only')", text)
    for row in features():
        if row.kind == "profile" and row.name not in ("core", "reservation"):
            text = re.sub(row.official.replace("ISO ", "ISO ?"), f"has('{row.name}')", text)
    text = re.sub(r"C-(\d+) -(?:\(or\))? ?C-(\d+)", r"some(\1, \2)", text)
    text = re.sub(r"HFS-8 > (\d+)", r"evses > \1", text)
    text = re.sub(r"\b([A-Z]+)[-.]? ?(\d+(?:\.\d+)?)\b", r"official('\1-\2')", text)
    text = re.sub(r"\b(and|or|not)\b", lambda word: word[0].lower(), text, flags=re.IGNORECASE)

    def has(name: str) -> bool:
        return bool(claims.get(name))

    def official(id_: str) -> bool:
        rows = [row for row in features() if role in row.roles and row.official == id_]
        parts = [row for row in features() if row.official.startswith(f"{id_}.")]
        return any(has(row.name) for row in rows + parts)

    def some(first: int, last: int) -> bool:
        return any(official(f"C-{number}") for number in range(first, last + 1))

    known = {"has": has, "official": official, "some": some, "evses": claims.get("evses", 0)}
    return bool(eval(text.strip(" ;"), {}, known))


def claims_of(role: Role) -> st.SearchStrategy[dict[str, Claim]]:
    """Claims that a profile of this role could make, about a good part of its features."""
    values: dict[str, st.SearchStrategy[Any]] = {
        "bool": st.booleans(),
        "profile": st.booleans(),
        "subtype": st.booleans(),
        "number": st.integers(0, 3),
        "list": st.lists(st.sampled_from(["a", "b"]), max_size=2),
    }
    rows = features().of(role).values()
    return st.fixed_dictionaries(
        {}, optional={row.name: values[row.kind] for row in rows if row.kind != "group" and row.name != "core"}
    )


@given(st.data(), st.sampled_from(CONDITIONS))
def test_official_conditions_mean_what_python_makes_of_them(
    data: st.DataObject, condition: tuple[str, tuple[Role, ...]]
) -> None:
    expression, roles = condition
    for role in roles:
        claims = data.draw(claims_of(role))
        applies = evaluate(expression, claims, role)
        assert applies.applies is naive(expression, claims, role), expression
        assert bool(applies.reason) is not applies.applies


# -- any expression, in readable names ---------------------------------------------------------------------------------

NAMES = [name for name, row in features().of(STATION).items() if row.kind in ("bool", "list", "profile")][:12]
LEAVES = st.one_of(
    st.sampled_from(NAMES),
    st.builds("evses {} {}".format, st.sampled_from([">", "<", ">=", "<=", "==", "!="]), st.integers(0, 3)),
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("{} and {}".format, inner, inner),
        st.builds("{} or {}".format, inner, inner),
        st.builds("not {}".format, inner),
        st.builds("({})".format, inner),
    ),
    max_leaves=12,
)
CLAIMS = st.fixed_dictionaries({"evses": st.integers(0, 3)}, optional={name: st.booleans() for name in NAMES})


@given(EXPRESSIONS, CLAIMS)
def test_any_expression_means_what_python_makes_of_it(expression: str, claims: dict[str, Claim]) -> None:
    spelled = re.sub(r"[a-z0-9]+(?:-[a-z0-9]+)+|core", lambda name: f"bool(claims.get('{name[0]}'))", expression)
    spelled = spelled.replace("not evses", "not claims['evses']").replace("evses", "claims['evses']")
    spelled = spelled.replace("claims['claims['evses']']", "claims['evses']")
    applies = evaluate(expression, claims, STATION)
    assert applies.applies is bool(eval(spelled, {"claims": claims, "bool": bool}))
    assert bool(applies.reason) is not applies.applies
    assert bool(applies) is applies.applies


@given(EXPRESSIONS, CLAIMS)
def test_reasons_name_only_what_is_asked(expression: str, claims: dict[str, Claim]) -> None:
    reason = evaluate(expression, claims, STATION).reason
    named = re.findall(r"([a-z0-9-]+) \(", reason)
    assert all(name in expression for name in named)


# -- reasons ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "claims", "reason"),
    [
        ("reset-evse", {}, "the profile does not claim reset-evse (C-13)"),
        ("C-13", {}, "the profile does not claim reset-evse (C-13)"),
        ("not reset-evse", {"reset-evse": True}, "the profile claims reset-evse (C-13), which the case excludes"),
        ("HFS-8 > 1", {"evses": 1}, "the profile has 1 EVSE, the case needs more than 1"),
        ("not evses > 1", {"evses": 2}, "the profile has 2 EVSEs, the case needs at most 1"),
        ("rfid-readers = 2", {}, "the profile has 0 RFID readers, the case needs exactly 2"),
        ("ac or dc", {}, "the profile claims none of ac (HFS-3) and dc (HFS-4)"),
        ("ac and dc", {}, "the profile does not claim ac (HFS-3); the profile does not claim dc (HFS-4)"),
        ("not (ac and dc)", {"ac": True, "dc": True}, "the profile claims ac (HFS-3) and dc (HFS-4), which the case e"),
        ("not (ac or dc)", {"dc": True}, "the profile claims dc (HFS-4), which the case excludes"),
        ("ac or evses > 1", {"evses": 1}, "the profile does not claim ac (HFS-3), and the profile has 1 EVSE, the cas"),
        ("ac and (ac or dc) and ac", {"dc": True}, "the profile does not claim ac (HFS-3)"),
        ("NOT C-38 - C-39", {"remote-start-central-id": True}, "the profile claims remote-start-central-id (C-38), wh"),
        ("C-38 - C-39", {}, "the profile claims none of remote-start-central-id (C-38) and remote-start-no-auth"),
        ("SC-2", {}, "the profile does not claim charging-rate-units (SC-2)"),
        ("ISO15118 support", {}, "the profile does not claim iso-15118 (ISO 15118 support)"),
    ],
)
def test_the_reason_names_the_deciding_claims(expression: str, claims: dict[str, Claim], reason: str) -> None:
    applies = evaluate(expression, claims, STATION)
    assert not applies
    assert applies.reason.startswith(reason)


def test_what_needs_nothing_applies_to_all() -> None:
    for role in ROLES:
        assert evaluate("", {}, role)
        assert evaluate("  ", {}, role)


def test_a_condition_for_one_role_is_none_for_the_other() -> None:
    assert evaluate("C-44 or NOT AQ-16 (CSMS)", {}, "station")
    assert evaluate("CSMS: C-11", {}, "station")
    assert not evaluate("CSMS: C-11", {}, "csms")
    assert not evaluate("CS: HFS-1; CSMS: C-11", {"unlock-connector": True}, "station")
    assert evaluate("CS: HFS-1; CSMS: C-11", {"unlock-connector": True}, "csms")
    assert evaluate("not reset-evse (CS)", {"reset-evse": True}, "csms")


def test_a_group_is_claimed_through_its_parts() -> None:
    assert evaluate("UI-1 and meter-values", {"message-in-front": True, "measurands-aligned": ["Voltage"]}, STATION)
    assert not evaluate("meter-values", {"measurands-aligned": []}, STATION)


# -- what can't be read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("resett-evse", "no feature is called 'resett-evse'; did you mean reset-evse?"),
        ("C-99", "no feature is called 'C-99'"),
        ("C-44", r"boot-pending \(C-44\) is for a CSMS to claim, not for a station"),
        ("ac and", "expected a feature, got the end"),
        ("and ac", "expected a feature, got 'and'"),
        ("(ac", "expected a closing bracket, got the end"),
        ("ac)", r"expected and, or or the end, got '\)'"),
        ("ac dc", "expected and, or or the end, got 'dc'"),
        ("ac & dc", "expected a feature, and, or, not or a bracket at ' & dc'"),
        ("evses > many", "expected a number, got 'many'"),
        ("evses > " + "9" * 5_000, "expected a feature, and, or, not or a bracket at"),
        ("ac > 1", r"ac \(HFS-3\) is no number, so it can't be compared with 1"),
        ("C-39 - C-36", "expected a range of ids that rises, such as C-30 - C-35; got C-39 - C-36"),
        ("C-30 - R-2", "expected a range of ids that rises"),
        ("C-06.1 - C-12", "expected an id such as C-30 at the end of a range, got C-06.1"),
        ("C-90 - C-99", "no feature of a station lies between C-90 and C-99"),
        ("ac CSMS: C-11", "expected nothing before CSMS:"),
        ("CSMS:", "expected a feature, got the end"),
        ("(" * 5_000 + "ac", "expected at most 50 levels of brackets"),
        ("not " * 5_000 + "ac", "expected at most 50 levels of brackets"),
        ('Product Subtype "Wallbox"', "no feature is called 'Wallbox Charging Station'"),
    ],
)
def test_what_makes_no_sense_is_refused(expression: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        parse(expression).check(STATION)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert evaluate(text, {}, STATION).reason is not None


# -- the catalogue -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", LISTED)
def test_names_and_ids_are_unique_and_say_something(version: str) -> None:
    rows = list(features(version))
    assert len({row.name for row in rows}) == len(rows)
    for role in ROLES:
        ids = [row.official for row in rows if role in row.roles]
        assert len(ids) == len(set(ids))
    for row in rows:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.name), row
        assert row.about.endswith((".", "…")), row
        assert row.kind != "number" or row.counts, row
        assert row.kind != "group" or features(version).parts(row), row
        for role in row.roles:
            assert features(version).find(row.name, role) is features(version).find(row.official, role) is row


def test_what_has_one_name_is_one_thing_in_both_versions() -> None:
    old, new = ({row.name: row for row in features(version)} for version in LISTED)
    for name in old.keys() & new.keys():
        assert old[name].kind == new[name].kind, name
        assert set(old[name].roles) <= set(new[name].roles), name
        assert (old[name].counts, old[name].derived) == (new[name].counts, new[name].derived), name
        assert old[name].official == new[name].official or old[name].kind == "profile", name
    ids = [{row.official: row.name for row in rows.values() if row.kind != "profile"} for rows in (old, new)]
    assert all(ids[0][each] == ids[1][each] for each in ids[0].keys() & ids[1].keys() if not each.startswith("AQ-"))


# What the official cases of OCPP 1.6 have as prerequisites, in readable names.
PREREQUISITES_16 = """
< not fixed-cable
< not fixed-cable and drop-authorization-on-ev-disconnect
< keep-authorization-on-ev-disconnect
< authorization-cache and remote-start-authorized
< lock-failure
< back-up-power
< not back-up-power
< local-authorization-list or authorization-cache or offline-unknown-ids
< local-stop
< not local-authorization-list or local-list-switch
< firmware-management and (security-profile-1 or security-profile-2 or security-profile-3)
< reservation and reserve-any-evse
remote-trigger
smart-charging
security-extension and not core
> blocked-tokens
> expired-tokens
> remote-trigger and trigger-unknown-connector
"""


@pytest.mark.parametrize("line", PREREQUISITES_16.strip().splitlines())
def test_prerequisites_of_16_can_be_expressed(line: str) -> None:
    for role in {"<": ("station",), ">": ("csms",)}.get(line[0], ROLES):
        parse(line.lstrip("<> ")).check(role, "1.6")  # type: ignore[arg-type]


def test_each_version_knows_its_own() -> None:
    claims: dict[str, Claim] = {"remote-trigger": True, "reset-evse": True}
    assert evaluate("remote-trigger", claims, STATION, "1.6")
    assert evaluate("reset-evse", claims, STATION, "2.0.1")
    assert features("2.1") is features("2.0.1")
    for name, version in (("reset-evse", "1.6"), ("remote-trigger", "2.0.1")):
        with pytest.raises(ExpressionError, match=rf"{name} .* is a feature of OCPP .*, not of OCPP {version}"):
            evaluate(name, claims, STATION, version)
    with pytest.raises(ExpressionError, match=r"no feature is called 'xyzzy'; catalogue/features-1.6.toml lists"):
        evaluate("xyzzy", claims, STATION, "1.6")


def test_it_needs_neither_network_nor_pytest() -> None:
    code = "import sys, conformance.cases.applicability; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"asyncio", "websockets", "pytest", "allure"} & set(loaded)
