"""Whether a case applies: the claims a product can make, and the expressions over them.

Two forms are read, and may be mixed: our own (`reset-evse and evses > 1`) and that of the official lists
(`NOT C-56 and (C-30 - C-35 or ISO 15118 support)`), misprints included. An expression may hold a condition for each
role (`CS: HFS-1; CSMS: C-11`) or for one only (`C-44 (CSMS)`); a role that it does not name is under no condition.
"""

import operator
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property
from typing import Literal, TypeAlias, Union

from conformance.cases.case import Role
from conformance.files import data

Claim: TypeAlias = bool | int | Sequence[str]
Kind: TypeAlias = Literal["bool", "list", "number", "group", "profile", "subtype"]

_ROLES: tuple[Role, ...] = ("station", "csms")

NEWEST = "2.0.1"
"""The newest version whose features are listed."""

LISTED = ("1.6", NEWEST)
"""The versions that have a list of features of their own."""

_LIST_OF = {"2.1": NEWEST}


class ExpressionError(ValueError):
    """An expression that can't be read, or that asks for what nobody of that role can claim."""


@dataclass(frozen=True, slots=True)
class Applies:
    """Whether a case applies, and where it does not, which claims decide that."""

    applies: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.applies


# -- what can be claimed --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that a product can claim: our name for it, its official id, and in a line what it is.

    `counts` names what a number counts. What is `derived` follows from the rest of a profile, which can't state it.
    `was` is the official id before the errata renumbered it.
    """

    name: str
    official: str
    roles: tuple[Role, ...]
    kind: Kind
    about: str
    counts: str = ""
    derived: bool = False
    was: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.official})"


class Features:
    """Every claim known for one version, found by name or by official id."""

    def __init__(self, rows: Sequence[Feature], version: str) -> None:
        self.version = version
        self._rows = tuple(rows)
        self._by_name = {row.name: row for row in rows}
        self._by_id = {(role, _fold(row.official)): row for row in rows for role in row.roles}

    def __iter__(self) -> Iterator[Feature]:
        return iter(self._rows)

    def of(self, role: Role) -> dict[str, Feature]:
        """What a product of this role can claim, by name."""
        return {row.name: row for row in self._rows if role in row.roles}

    def get(self, word: str, role: Role) -> Feature | None:
        """The feature of this role with this name or official id."""
        named = self._by_name.get(word.lower())
        if named is not None and role in named.roles:
            return named
        return self._by_id.get((role, _fold(word)))

    def find(self, word: str, role: Role) -> Feature:
        """The same; raises ExpressionError for a word that no product of this role can claim."""
        found = self.get(word, role)
        if found is None:
            raise ExpressionError(self.unknown(word, role))
        return found

    def unknown(self, word: str, role: Role) -> str:
        """Say why a word is no feature of this role, and what may have been meant."""
        other: Role = "csms" if role == "station" else "station"
        stranger = self.get(word, other)
        if stranger is not None:
            return f"{stranger} is for a {_role_word(other)} to claim, not for a {_role_word(role)}"
        for listed in map(features, LISTED):
            elsewhere = listed.get(word, role)
            if elsewhere is not None:
                return f"{elsewhere} is a feature of OCPP {listed.version}, not of OCPP {self.version}"
        near = get_close_matches(word.lower(), self.of(role), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"catalogue/features-{self.version}.toml lists the names"
        return f"no feature is called {word!r}; {hint}"

    def between(self, first: str, last: str, role: Role) -> tuple[Feature, ...]:
        """The features of a range such as C-30 - C-35, both ends included."""
        (prefix, low), (other, high) = _split(first), _split(last)
        if prefix != other or low >= high:
            raise ExpressionError(f"expected a range of ids that rises, such as C-30 - C-35; got {first} - {last}")
        found = (self.get(f"{prefix}-{number}", role) for number in range(low, high + 1))
        rows = tuple(row for row in found if row is not None)
        if not rows:
            raise ExpressionError(f"no feature of a {_role_word(role)} lies between {first} and {last}")
        return rows

    def parts(self, group: Feature) -> tuple[Feature, ...]:
        """The features that make up a group: those numbered C-06.1, C-06.2 … for C-06."""
        return tuple(row for row in self._rows if row.official.startswith(f"{group.official}."))

    def value(self, feature: Feature, claims: Mapping[str, Claim]) -> Claim:
        """What was claimed of a feature: False where it was not mentioned; of a group, whether any part is claimed."""
        if feature.kind == "group":
            return any(claims.get(part.name) for part in self.parts(feature))
        return claims.get(feature.name, False)


def _fold(official: str) -> str:
    """Make the spellings of one official id alike: `C- 31`, `C35` and `C.06.1` are C-31, C-35 and C-06.1."""
    squeezed = re.sub(r"\s", "", official).lower()
    match = re.fullmatch(r"([a-z]+)[-.]?0*(\d+(?:\.\d+)?)", squeezed)
    return "-".join(match.groups()) if match else squeezed


def _split(official: str) -> tuple[str, int]:
    prefix, _, number = _fold(official).partition("-")
    if not number.isdigit():
        raise ExpressionError(f"expected an id such as C-30 at the end of a range, got {official}")
    return prefix, int(number)


def _role_word(role: Role) -> str:
    return "CSMS" if role == "csms" else "station"


def features(version: str = NEWEST) -> Features:
    """The features of one version of OCPP; those of 2.0.1 for one that has no list of its own yet."""
    return _read(_LIST_OF.get(version, version))


def feature_in(versions: Iterable[str], word: str, role: Role) -> Feature | None:
    """The feature of this role with this name or official id in the first of these versions that has one."""
    return next((row for row in (features(each).get(word, role) for each in versions) if row is not None), None)


@cache
def _read(version: str) -> Features:
    path = data(f"catalogue/features-{version}.toml")
    rows = []
    for row in tomllib.loads(path.read_text(encoding="utf-8"))["feature"]:
        role = row.pop("role")
        rows.append(Feature(roles=_ROLES if role == "both" else (role,), **row))
    return Features(rows, version)


# -- what an expression is made of ----------------------------------------------------------------------------------

_COMPARISONS: dict[str, tuple[Callable[[int, int], bool], str, str]] = {
    ">=": (operator.ge, "at least", "<"),
    "<=": (operator.le, "at most", ">"),
    ">": (operator.gt, "more than", "<="),
    "<": (operator.lt, "fewer than", ">="),
    "=": (operator.eq, "exactly", "!="),
    "!=": (operator.ne, "any number but", "="),
}


@dataclass(frozen=True, slots=True)
class _Name:
    word: str


@dataclass(frozen=True, slots=True)
class _Range:
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class _Comparison:
    word: str
    sign: str
    number: int


@dataclass(frozen=True, slots=True)
class _Not:
    inner: "_Node"


@dataclass(frozen=True, slots=True)
class _Joined:
    every: bool
    parts: tuple["_Node", ...]


_Node: TypeAlias = Union[_Name, _Range, _Comparison, "_Not", "_Joined"]


@dataclass(frozen=True, slots=True)
class _Miss:
    """Why a part is not met: in full, or for a claim that should, or should not, be there, as the claim alone."""

    text: str = ""
    absent: tuple[Feature, ...] = ()
    present: tuple[Feature, ...] = ()

    def __str__(self) -> str:
        if self.absent:
            said = "does not claim" if len(self.absent) == 1 else "claims none of"
            return f"the profile {said} {_listed(self.absent, 'or' if len(self.absent) == 1 else 'and')}"
        if self.present:
            return f"the profile claims {_listed(self.present, 'and')}, which the case excludes"
        return self.text


def _listed(items: Sequence[Feature], word: str) -> str:
    texts = [str(item) for item in items]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {word} {texts[-1]}"


@dataclass(frozen=True)
class _Judge:
    """Decides one expression for one role by one set of claims."""

    claims: Mapping[str, Claim]
    role: Role
    known: Features

    def miss(self, node: _Node, *, wanted: bool) -> _Miss | None:
        """Why the node does not come out as wanted, or None where it does."""
        match node:
            case _Not(inner):
                return self.miss(inner, wanted=not wanted)
            case _Joined(every, parts):
                return self._joined([self.miss(part, wanted=wanted) for part in parts], every=every is wanted)
            case _Range(first, last):
                ends = self.known.between(first, last, self.role)
                return self._joined([self._claimed(each, wanted=wanted) for each in ends], every=not wanted)
            case _Comparison(word, sign, number):
                return self._counted(self.known.find(word, self.role), sign, number, wanted=wanted)
            case _Name(word):
                return self._claimed(self.known.find(word, self.role), wanted=wanted)

    def _claimed(self, feature: Feature, *, wanted: bool) -> _Miss | None:
        if bool(self.known.value(feature, self.claims)) is wanted:
            return None
        return _Miss(absent=(feature,)) if wanted else _Miss(present=(feature,))

    def _counted(self, feature: Feature, sign: str, number: int, *, wanted: bool) -> _Miss | None:
        if feature.kind != "number":
            raise ExpressionError(f"{feature} is no number, so it can't be compared with {number}")
        value = self.known.value(feature, self.claims)
        count = int(value) if isinstance(value, int) else 0
        compare, _, opposite = _COMPARISONS[sign]
        if compare(count, number) is wanted:
            return None
        needs = _COMPARISONS[sign if wanted else opposite][1]
        return _Miss(f"the profile has {_plural(count, feature.counts)}, the case needs {needs} {number}")

    @staticmethod
    def _joined(misses: Sequence[_Miss | None], *, every: bool) -> _Miss | None:
        missed = [miss for miss in misses if miss is not None]
        if every:
            return _Miss("; ".join(dict.fromkeys(map(str, missed)))) if missed else None
        if len(missed) < len(misses):
            return None
        if all(miss.absent for miss in missed):
            return _Miss(absent=tuple(dict.fromkeys(each for miss in missed for each in miss.absent)))
        if all(miss.present for miss in missed):
            return _Miss(present=tuple(dict.fromkeys(each for miss in missed for each in miss.present)))
        return _Miss(", and ".join(dict.fromkeys(map(str, missed))))


def _plural(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


@dataclass(frozen=True)
class Expression:
    """An expression that has been read: the condition for each role that it names."""

    text: str
    conditions: Mapping[Role, _Node]

    def check(self, role: Role, version: str = NEWEST) -> None:
        """Raise ExpressionError where it asks for something that no product of this role and version can claim."""
        self.evaluate({}, role, version)

    def evaluate(self, claims: Mapping[str, Claim], role: Role, version: str = NEWEST) -> Applies:
        """Decide it by claims, keyed by our names; raises ExpressionError for a feature that can't be claimed there."""
        condition = self.conditions.get(role)
        if condition is None:
            return Applies(applies=True)
        miss = _Judge(claims, role, features(version)).miss(condition, wanted=True)
        return Applies(applies=miss is None, reason="" if miss is None else str(miss))


def evaluate(expression: str, claims: Mapping[str, Claim], role: Role, version: str = NEWEST) -> Applies:
    """Whether a case with this condition applies to a product of this version that makes these claims.

    Claims are keyed by our readable names; what is not mentioned is not claimed. An empty expression applies to all.
    Raises ExpressionError.
    """
    return parse(expression).evaluate(claims, role, version)


# -- reading ----------------------------------------------------------------------------------------------------------

_SCOPE = re.compile(r"(?:^|[;\s])\s*(CSMS|CS|Charging Station)\s*:")
_NOTE = re.compile(r"\s*\((CSMS|CS|Charging Station)\)\s*$")
_PROFILES = (
    r"ISO\s*15118\s+support|Local\s+Authorization\s+List\s+Management|Smart\s+Charging"
    r"|Advanced\s+(?:Security|Device\s+Management|User\s+Interface)"
)
_IDS = "HFS|ISO|OWN|AQ|AS|SC|DM|LA|UI|C|R"
_TOKEN = re.compile(
    rf"""\s*(?:
        (?P<subtype>  Product \s+ Subtype \s* (?: "(?P<quoted>[^"]*)" | (?P<bare>[\w/-]+(?:\s+\d[\w/-]*)?) ) )
      | (?P<to>       - \s* (?: \(or\) )? \s* (?=[A-Z]+[-.\s]*\d) )
      | (?P<profile>  \b (?: {_PROFILES} ) \b )
      | (?P<id>       \b (?: {_IDS} ) \s* [-.]? \s* \d+ (?:\.\d+)? \b )
      | (?P<word>     [A-Za-z][A-Za-z0-9]* (?:-[A-Za-z0-9]+)* )
      | (?P<sign>     >= | <= | != | == | > | < | = )
      | (?P<number>   \d{{1,9}} (?!\d) )
      | (?P<bracket>  [()] )
    )""",
    re.VERBOSE,
)
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


@cache
def parse(expression: str) -> Expression:
    """Read an expression; raises ExpressionError where it makes no sense."""
    note = _NOTE.search(expression)
    if note is not None:
        return Expression(expression, {_role(note[1]): _Reader(expression[: note.start()]).read()})
    scopes = list(_SCOPE.finditer(expression))
    if not scopes:
        if not expression.strip():
            return Expression(expression, {})
        node = _Reader(expression).read()
        return Expression(expression, dict.fromkeys(_ROLES, node))
    if expression[: scopes[0].start()].strip():
        raise ExpressionError(f"{expression!r}: expected nothing before {scopes[0][0].strip()}")
    ends = [scope.start() for scope in scopes[1:]] + [len(expression)]
    parts = {
        _role(scope[1]): _Reader(expression[scope.end() : end].strip(" ;")).read()
        for scope, end in zip(scopes, ends, strict=True)
    }
    return Expression(expression, parts)


def _role(word: str) -> Role:
    return "csms" if word == "CSMS" else "station"


class _Reader:
    """Reads one condition: `or` binds weakest, then `and`, then `not`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0

    @cached_property
    def _tokens(self) -> list[_Token]:
        tokens, place = [], 0
        text = self._text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                expected = "expected a feature, and, or, not or a bracket"
                raise ExpressionError(f"{self._text!r}: {expected} at {text[place:]!r}")
            kind = str(match.lastgroup if match["subtype"] is None else "subtype")
            said = match[kind] if kind != "subtype" else _subtype(match["quoted"] or match["bare"] or "")
            if kind == "word" and said.lower() in ("and", "or", "not"):
                kind = said = said.lower()
            tokens.append(_Token("name" if kind in ("profile", "id", "word", "subtype") else kind, said.strip()))
            place = match.end()
        return tokens[::-1]

    def read(self) -> _Node:
        """The condition as a tree."""
        node = self._any()
        if self._tokens:
            raise self._unexpected("and, or or the end")
        return node

    def _next_is(self, kind: str, text: str | None = None) -> bool:
        return bool(self._tokens) and self._tokens[-1].kind == kind and text in (None, self._tokens[-1].text)

    def _take(self, kind: str, text: str | None, expected: str) -> str:
        if not self._next_is(kind, text):
            raise self._unexpected(expected)
        return self._tokens.pop().text

    def _unexpected(self, expected: str) -> ExpressionError:
        got = repr(self._tokens[-1].text) if self._tokens else "the end"
        return ExpressionError(f"{self._text!r}: expected {expected}, got {got}")

    def _any(self) -> _Node:
        return self._series("or", lambda: self._series("and", self._single))

    def _series(self, word: str, part: Callable[[], _Node]) -> _Node:
        parts = [part()]
        while self._next_is(word):
            self._tokens.pop()
            parts.append(part())
        return parts[0] if len(parts) == 1 else _Joined(word == "and", tuple(parts))

    def _single(self) -> _Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ExpressionError(f"{self._text[:60]!r} …: expected at most {_MAX_DEPTH} levels of brackets")
        try:
            if self._next_is("not"):
                self._tokens.pop()
                return _Not(self._single())
            if self._next_is("bracket", "("):
                self._tokens.pop()
                inner = self._any()
                self._take("bracket", ")", "a closing bracket")
                return inner
            return self._claim()
        finally:
            self._depth -= 1

    def _claim(self) -> _Node:
        word = self._take("name", None, "a feature")
        if self._next_is("to"):
            self._tokens.pop()
            return _Range(word, self._take("name", None, "the last id of the range"))
        if self._next_is("sign"):
            sign = self._tokens.pop().text
            return _Comparison(word, "=" if sign == "==" else sign, int(self._take("number", None, "a number")))
        return _Name(word)


def _subtype(words: str) -> str:
    """The official name of a product subtype, which the lists break up and shorten."""
    squeezed = re.sub(r"\s+", " ", words).strip().replace("- ", "-")
    return squeezed if squeezed.endswith("Charging Station") else f"{squeezed} Charging Station"
