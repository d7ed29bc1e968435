"""Filling the templates of an HTTP request: values in braces, and what of a command a template does not carry."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from conformance.sut.complaints import Complaint

ROOTS = frozenset(
    {
        "identity",
        "action",
        "payload",
        "id_token",
        "type",
        "password",
        "status",
        "statuses",
        "interval",
        "answer",
        "version",
        "uuid",
        "now",
    }
)
"""What may stand in braces, alone or, where it is an object, with a path behind it: `{payload.evseId}`."""

_PLACE = re.compile(r"\{((?:env|file):[^{}]+|[A-Za-z_]\w*(?:\.\w+)*)\}")
MISSING: Any = object()
"""What a placeholder is worth where there is nothing to put in its place."""


class NotCarried(Exception):  # noqa: N818 -- reads as what happened
    """A template has no place for something, or no value for a place."""


def places(value: Any) -> Iterator[str]:
    """Every word in braces in a template that may stand for something."""
    match value:
        case str():
            yield from _PLACE.findall(value)
        case Mapping():
            for key, item in value.items():
                yield from places(key)
                yield from places(item)
        case list() | tuple():
            for item in value:
                yield from places(item)


def is_known(word: str) -> bool:
    """Whether a word in braces stands for something."""
    return word.startswith(("env:", "file:")) or word.partition(".")[0] in ROOTS


def kept_secret(word: str, folder: str) -> str | None:
    """The secret behind `env:NAME` or `file:PATH`, None for any other word; raises Complaint where it isn't there."""
    kind, _, where = word.partition(":")
    if kind == "env":
        value = os.environ.get(where, "")
        if not value:
            raise Complaint(f"{{{word}}}: expected a value in the environment variable {where}, got none; set it first")
        return value
    if kind == "file":
        try:
            value = (Path(folder) / Path(where).expanduser()).read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise Complaint(f"{{{word}}}: {where} can't be read ({why}); put the value there") from None
        if not value:
            raise Complaint(f"{{{word}}}: expected a value in {where}, got an empty file")
        return value
    return None


class Values:
    """What placeholders stand for in one request."""

    def __init__(self, values: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self._values = values
        self._secrets = secrets

    def get(self, word: str) -> Any:
        """The value behind a word; MISSING where there is none."""
        if word in self._secrets:
            return self._secrets[word]
        return look(self._values, word)

    def url(self, template: str) -> str:
        """A URL, each value percent-encoded; raises NotCarried where one is missing."""
        return self._text(template, lambda value: quote(value, safe=""))

    def text(self, template: str) -> str:
        """A text; raises NotCarried where a value is missing."""
        return self._text(template, lambda value: value)

    def json(self, template: Any) -> Any:
        """A JSON value: a text that is one placeholder becomes its value, whatever it is.

        What holds nothing but such a text is left out where there is no value.
        """
        match template:
            case str():
                whole = _PLACE.fullmatch(template)
                return self.get(whole[1]) if whole is not None and is_known(whole[1]) else self.text(template)
            case Mapping():
                made = {self.text(key): self.json(item) for key, item in template.items()}
                return {key: item for key, item in made.items() if item is not MISSING}
            case list() | tuple():
                return [item for each in template if (item := self.json(each)) is not MISSING]
        return template

    def _text(self, template: str, encode: Any) -> str:
        def fill(match: re.Match[str]) -> str:
            if not is_known(match[1]):
                return match[0]
            value = self.get(match[1])
            if value is MISSING:
                raise NotCarried(f"its request needs {{{match[1]}}}, and there is none here")
            return str(encode(as_text(value)))

        return _PLACE.sub(fill, template)


def as_text(value: Any) -> str:
    """A value within a text: as it is, or as JSON."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def look(value: Any, path: str) -> Any:
    """What stands at a place of a JSON value, its steps with dots between; MISSING where nothing does."""
    for step in path.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def not_carried(payload: Mapping[str, Any], words: set[str], fixed: Mapping[str, Any]) -> list[str]:
    """The places of a payload that a template with these words does not ask for; `fixed` are those that it means."""
    return [
        path
        for path, value in _leaves(payload, "")
        if not any(f"payload.{path}.".startswith(f"{word}.") for word in words)
        and look(fixed, path) != value
        and fixed.get(path) != value
    ]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    items: list[tuple[Any, Any]] = []
    if isinstance(value, Mapping):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    if not items:
        yield from ((path, value),) if path else ()
    for key, item in items:
        yield from _leaves(item, f"{path}.{key}" if path else str(key))
