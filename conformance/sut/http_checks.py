"""What the types of the http driver's tables can't say: known names, usable addresses, secrets kept elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conformance.sut.complaints import Complaint, shown
from conformance.sut.operations import ANY, OPERATIONS
from conformance.sut.tables import HttpDriver, Operation
from conformance.sut.templates import ROOTS, is_known, kept_secret, places
from conformance.wire.schemas import VERSIONS

_SECRET_HEADERS = ("authorization", "cookie", "x-api-key", "proxy-authorization")

_ALIKE = 0.8
"""How alike a word must be to one that stands for something to be a slip: GraphQL has words in braces, too."""


def check_http(driver: HttpDriver, versions: Sequence[str]) -> None:
    """Raise Complaint for the first thing that is wrong with an http driver."""
    if not _is_address(driver.base_url):
        raise Complaint(
            f"[driver] base_url: expected an address such as http://host:8080/api, "
            f"got {shown(driver.base_url)}; mend it"
        )
    if not Path(driver.cwd).is_dir():
        raise Complaint(f"[driver] cwd: expected a folder, got {driver.cwd}, which is none; name an existing folder")
    if driver.ca_file is not None and not (Path(driver.cwd) / driver.ca_file).is_file():
        raise Complaint(f"[driver] ca_file: expected certificates in PEM, got {driver.ca_file}, which is no file")
    actions = {action for version in versions for action in VERSIONS[version].actions} | {ANY}
    _check_names("[driver.command.{}]", driver.command, actions, "an OCPP action, or any for all of them")
    named = [each for each in OPERATIONS if each != "command"]
    _check_names("[driver.operation.{}]", driver.operation, named, "an operation")
    for where, value in _templates(driver):
        _check_template(where, value, driver.cwd)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _check_names(where: str, given: Iterable[str], known: Iterable[str], what: str) -> None:
    names = sorted(known)
    for name in given:
        if name in names:
            continue
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(names)}"
        raise Complaint(f"{where.format(name)}: expected {what}, got {shown(name)}; {hint}")


def _templates(driver: HttpDriver) -> Iterator[tuple[str, Any]]:
    """Every template, and where it stands."""
    yield from ((f"[driver.headers] {key}", value) for key, value in driver.headers.items())
    tables = [(f"driver.command.{name}", each) for name, each in driver.command.items()]
    tables += [(f"driver.operation.{name}", each) for name, each in driver.operation.items()]
    for where, operation in tables:
        yield from _of_an_operation(where, operation)


def _of_an_operation(where: str, operation: Operation) -> Iterator[tuple[str, Any]]:
    yield f"[{where}] url", operation.url
    yield from ((f"[{where}.headers] {key}", value) for key, value in operation.headers.items())
    yield f"[{where}] body", operation.body
    yield f"[{where}] form", operation.form
    if operation.body is not None and operation.form:
        raise Complaint(f"[{where}]: expected body or form, got both; keep one of them")
    if operation.poll is not None:
        yield f"[{where}.poll] url", operation.poll.url
        yield from ((f"[{where}.poll.headers] {key}", value) for key, value in operation.poll.headers.items())
        yield f"[{where}.poll] body", operation.poll.body


def _check_template(where: str, value: Any, folder: str) -> None:
    if where.endswith(" url") and not (value.startswith("/") or _is_address(value)):
        raise Complaint(
            f"{where}: expected a path such as /stations, put after base_url, or a whole address; got {shown(value)}"
        )
    words = list(places(value))
    header = where.rpartition("] ")[2].casefold()
    if (
        "headers]" in where
        and header in _SECRET_HEADERS
        and not any(word.startswith(("env:", "file:")) for word in words)
    ):
        raise Complaint(f"{where}: expected no secret in a profile; write {{env:NAME}} or {{file:PATH}} for it")
    for word in words:
        if not is_known(word):
            near = get_close_matches(word.partition(".")[0].lower(), ROOTS, n=1, cutoff=_ALIKE)
            if near:
                raise Complaint(f"{where}: {{{word}}} stands for nothing; did you mean {{{near[0]}}}?")
            continue
        try:
            kept_secret(word, folder)
        except Complaint as error:
            raise Complaint(f"{where}: {error}") from None
