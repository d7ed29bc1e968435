"""Keeping passwords out of everything that leaves the process: the trace, the reports, the messages."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from conformance.wire.frames import Call, Frame

HIDDEN = "<secret>"
"""What stands in place of a secret."""

_SHORTEST = 8
"""Shorter values are hidden only where they are set: elsewhere they would black out half the evidence."""

_VARIABLES = frozenset(
    {"basicauthpassword", "authorizationkey", "apnpassword", "vpnpassword", "vpnkey", "simpin", "password"}
)
_FIELDS = frozenset({"password", "apnpassword", "basicauthpassword", "simpin"})
_VPN = frozenset({"password", "key"})
_SETTERS = frozenset({"SetVariables", "ChangeConfiguration", "SetNetworkProfile"})
_HINTS = (*_SETTERS, "assword", "ASSWORD", "uthorizationKey", "uthorizationkey")


class Secrets:
    """What must not be shown, and how to hide it. Each transcript has one, and each of its entries knows it."""

    __slots__ = ("_forms", "_values")

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._forms: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is any secret yet."""
        return bool(self._values)

    def add(self, values: Iterable[str]) -> None:
        """Hide these from now on, whether written plainly, escaped in JSON or percent-encoded."""
        new = {value for value in values if value} - self._values
        if not new:
            return
        self._values |= new
        forms = {form for value in self._values for form in _forms(value)}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def observe(self, value: str) -> None:
        """Hide a secret that was seen, unless it is so short that this would black out half the evidence."""
        if len(value) >= _SHORTEST:
            self.add((value,))

    def learn(self, frame: Frame) -> None:
        """Take up the secrets that a request sets, before it is exported."""
        if type(frame) is Call and frame.action in _SETTERS:
            try:
                self.add(value for value in _set_by(frame.payload) if len(value) >= _SHORTEST)
            except RecursionError:
                return

    def __bool__(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self._values)

    def text(self, text: str) -> str:
        """The same text without the secrets; the raw text of a frame, or any other."""
        suspect = any(hint in text for hint in _HINTS) or any(form in text for form in self._forms)
        if suspect or (self._forms and "\\" in text):
            return self._structured(text)
        return text

    def value(self, value: Any) -> Any:
        """The same JSON value, with the secrets gone from every string in it; a number that is one becomes text."""
        if isinstance(value, str):
            return self._plain(value)
        if isinstance(value, int | float):
            return HIDDEN if str(value) in self._values else value
        if isinstance(value, Mapping):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def _plain(self, text: str) -> str:
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        return text

    def _structured(self, text: str) -> str:
        """Hide what is to be hidden in each string of a JSON text, and in the text as it stands where it is none."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return _ASSIGNED.sub(rf'\1"{HIDDEN}"', self._plain(text))
        try:
            hidden = _without_set(self.value(value))
            if hidden == value:
                return text
            written = json.dumps(hidden, ensure_ascii=False, separators=(",", ":"))
        except (ValueError, RecursionError):
            return HIDDEN
        return written.encode("utf-8", "backslashreplace").decode()


_ASSIGNED = re.compile(
    r"""("(?:\w*password|simPin|attributeValue)"\s*:\s*)(?:"(?:[^"\\]|\\.)*(?:"|\Z)|\d+)""", re.IGNORECASE
)


def _forms(value: str) -> set[str]:
    escaped = json.dumps(value)[1:-1]
    return {
        value,
        escaped,
        escaped.replace("/", "\\/"),
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe="", errors="replace"),
    }


def _set_by(node: Any) -> Iterable[str]:
    """The secret strings that a payload sets, wherever they stand in it."""
    if isinstance(node, dict):
        for name in _secret_fields(node):
            if isinstance(node[name], str):
                yield node[name]
        for child in node.values():
            yield from _set_by(child)
    elif isinstance(node, list):
        for child in node:
            yield from _set_by(child)


def _without_set(node: Any) -> Any:
    if isinstance(node, dict):
        secret = _secret_fields(node)
        return {name: HIDDEN if name in secret else _without_set(child) for name, child in node.items()}
    if isinstance(node, list):
        return [_without_set(child) for child in node]
    return node


def is_secret(name: str) -> bool:
    """Whether the value of a variable, or of a key of OCPP 1.6, with this name must not be shown."""
    return name.casefold() in _VARIABLES


def _secret_fields(node: dict[str, Any]) -> set[str]:
    """The names in one object whose values are secrets.

    SetVariables (2.x) and ChangeConfiguration (1.6) name the variable beside the value; SetNetworkProfile has fields
    of its own, of which `key` is one only in the VPN's settings.
    """
    found = {name for name in node if name.casefold() in _FIELDS and isinstance(node[name], str | int)}
    if "server" in node and "key" in node and isinstance(node["key"], str):
        found.add("key")
    variable = node.get("variable")
    named = variable.get("name") if isinstance(variable, dict) else node.get("key")
    if isinstance(named, str) and is_secret(named):
        found |= {name for name in ("attributeValue", "value") if isinstance(node.get(name), str)}
    return found


def authorization(value: str) -> str:
    """An Authorization header with its secret replaced by its length; the user name of Basic stays."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.casefold() != "basic":
        return f"{scheme} <{len(rest)} characters>" if rest else f"<{len(scheme)} characters>"
    given = basic_credentials(value)
    if given is None:
        return f"{scheme} <{len(rest)} unreadable characters>"
    return f"{scheme} user={given[0]} password=<{len(given[1])} characters>"


def basic_credentials(value: str | None) -> tuple[str, str] | None:
    """User name and password of a Basic Authorization header (RFC 7617), None where there are none.

    Bytes that aren't UTF-8 come out as backslash escapes.
    """
    scheme, _, rest = (value or "").strip().partition(" ")
    if scheme.casefold() != "basic":
        return None
    try:
        text = base64.b64decode(rest.strip(), validate=True).decode("utf-8", "backslashreplace")
    except ValueError:
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon else None


def without_userinfo(url: str) -> str:
    """A URL whose user name and password, if any, are hidden."""
    return re.sub(r"^([a-zA-Z][\w+.-]*://)[^/?#]*@", rf"\1{HIDDEN}@", url)


def without_secrets(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """HTTP headers for showing; one that is given several times has its values joined with a comma."""
    shown: dict[str, str] = {}
    for name, value in headers:
        folded = name.casefold()
        text = value
        if folded in ("authorization", "proxy-authorization"):
            text = authorization(value)
        elif folded in ("cookie", "set-cookie"):
            text = f"<{len(value)} characters>"
        shown[name] = f"{shown[name]}, {text}" if name in shown else text
    return shown
