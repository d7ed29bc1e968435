"""A CSMS with an HTTP API: one templated request per operation, as docs/driving-a-csms.md says."""

import asyncio
import http.client
import json
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

from conformance.sut.complaints import Complaint
from conformance.sut.drivers.actions import Context, DriverFailed, Unsupported
from conformance.sut.operations import ANY
from conformance.sut.secret import Secret
from conformance.sut.tables import HttpDriver, Operation, Poll
from conformance.sut.templates import MISSING, NotCarried, Values, kept_secret, look, not_carried, places

_LARGEST = 16 << 20
_SHOWN = 300
_NUMBERED = ("requestId", "remoteStartId")
"""What a CSMS may give numbers of its own: a request of the profile need not have a place for these."""
_PROFILE_IDS = ("id", "chargingProfileId")
"""Nor for the ids of a charging profile that it sets, and of its schedules."""


class Response(NamedTuple):
    """An HTTP answer; `value` is its JSON, None where it is none."""

    status: int
    text: str
    value: Any


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Takes a redirection for what it is: an answer that nobody expected."""

    def redirect_request(self, *_: Any) -> None:
        return None


class HttpHands:
    """Operates a CSMS by its API; `patience` is how long an operation may take with all its polling, in seconds.

    `version` is the version of OCPP that the station speaks to it.
    """

    trouble = ""
    url: str | None = None
    urls: Mapping[int, str] = MappingProxyType({})

    def __init__(self, settings: HttpDriver, *, patience: float, version: str) -> None:
        self._settings = settings
        self._version = version
        self._patience = patience
        self._secrets: dict[str, str] = {}
        self._opener: urllib.request.OpenerDirector | None = None

    def can(self, name: str) -> bool:
        """Whether there is a template for it."""
        return self._template(name) is not None

    async def start(self, context: Context) -> None:  # noqa: ARG002 -- as all drivers have it
        """Fetch the secrets from where they are kept."""
        everything: list[Any] = [self._settings.headers, *self._settings.command.values()]
        everything += self._settings.operation.values()
        words = {word for each in everything for word in places(_plain(each))}
        try:
            found = {word: kept_secret(word, self._settings.cwd) for word in words}
        except Complaint as error:
            raise DriverFailed("start", str(error)) from None
        self._secrets = {word: value for word, value in found.items() if value is not None}
        self._opener = urllib.request.build_opener(
            _NoRedirect(), urllib.request.HTTPSHandler(context=self._tls_context())
        )

    async def stop(self) -> None:
        """There is nothing to let go of."""
        self._opener = None

    async def act(self, action: str, **args: Any) -> Any:
        """Send the request of an operation, judge its answer, and poll where the template says so."""
        name = args["action_name"] if action == "command" else action
        template = self._template(name)
        if template is None:
            place = f"[driver.command.{name}] nor [driver.command.{ANY}]" if action == "command" else _section(action)
            raise Unsupported(name, f"the profile has no {place}")
        values = _values(args) | {"version": self._version}
        self._check_carried(name, template, values)
        try:
            async with asyncio.timeout(self._patience):
                return await self._carry_out(name, template, values)
        except TimeoutError:
            raise DriverFailed(name, f"the CSMS had not done it within {self._patience:g} s") from None

    def _template(self, name: str) -> Operation | None:
        settings = self._settings
        if name[:1].isupper():
            return settings.command.get(name, settings.command.get(ANY))
        if name == "command":
            return settings.command.get(ANY)
        return settings.operation.get(name)

    def _check_carried(self, name: str, template: Operation, values: Mapping[str, Any]) -> None:
        """Refuse to ask for less than, or for something else than, what the case wants."""
        words = set(places([template.url, template.body, template.form, template.headers]))
        missing = not_carried(_unnumbered(values.get("payload", {})), words, template.fixed)
        if missing:
            asked = ", ".join(f"payload.{each}" for each in missing)
            raise Unsupported(name, f"its request in the profile has no place for {asked}")
        for path, value in template.fixed.items():
            if look(values.get("payload", {}), path) != value:
                raise Unsupported(name, f"its request in the profile always means {path} = {value!r}")

    async def _carry_out(self, name: str, template: Operation, values: dict[str, Any]) -> Any:
        try:
            response = await self._ask(name, template, values)
        except NotCarried as error:
            raise Unsupported(name, str(error)) from None
        self._judge(name, template, response)
        values["answer"] = response.value
        if template.poll is not None:
            response = await self._poll(name, template.poll, values)
        if template.result is None:
            return response.value
        found = look(response.value, template.result)
        if found is MISSING:
            raise DriverFailed(name, f"the answer has no {template.result}: {self._shown(response.text)}")
        return found

    def _judge(self, name: str, template: Operation, response: Response) -> None:
        wanted = template.status or range(200, 300)
        if response.status not in wanted:
            expected = ", ".join(map(str, template.status)) or "200 to 299"
            answered = f"HTTP {response.status}: {self._shown(response.text)}"
            raise DriverFailed(name, f"expected HTTP {expected} of the CSMS, got {answered}")
        for path, allowed in template.expect.items():
            found = look(response.value, path)
            if found is MISSING or _word(found) not in allowed:
                got = "nothing" if found is MISSING else _word(found)
                why = f"expected {path} = {' or '.join(allowed)} in the answer, got {got}"
                raise DriverFailed(name, f"{why}: {self._shown(response.text)}")
        for path in template.forbid:
            if look(response.value, path) not in (MISSING, None, []):
                raise DriverFailed(name, f"the answer has {path}: {self._shown(response.text)}")

    async def _poll(self, name: str, poll: Poll, values: dict[str, Any]) -> Response:
        while True:
            try:
                response = await self._ask(name, poll, values)
            except NotCarried as error:
                raise DriverFailed(name, f"can't poll: {error}") from None
            for path, words in poll.failed.items():
                if _word(look(response.value, path)) in words:
                    raise DriverFailed(name, f"the CSMS says that it failed: {self._shown(response.text)}")
            if all(_word(look(response.value, path)) in words for path, words in poll.done.items()):
                return response
            await asyncio.sleep(poll.every)

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    async def _ask(self, name: str, template: Operation | Poll, values: Mapping[str, Any]) -> Response:
        filled = Values(values, self._secrets)
        url = filled.url(template.url)
        if template.url.startswith("/"):
            url = self._settings.base_url.rstrip("/") + url
        headers = {key: filled.text(value) for key, value in {**self._settings.headers, **template.headers}.items()}
        body, kind = _body(template, filled)
        if body is not None and "content-type" not in {key.casefold() for key in headers}:
            headers["Content-Type"] = kind
        headers.setdefault("Accept", "application/json")
        try:
            request = urllib.request.Request(url, body, headers, method=template.method)  # noqa: S310 -- checked
            return await _in_a_thread(lambda: self._open(request))
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            why = f"{template.method} {url}: {reason}"
            raise DriverFailed(name, self._scrubbed(why, values)) from None

    def _open(self, request: urllib.request.Request) -> Response:
        assert self._opener is not None, "the driver has not been started"
        try:
            with self._opener.open(request, timeout=self._patience) as answer:
                return _response(answer.status, answer.read(_LARGEST))
        except urllib.error.HTTPError as error:
            with error:
                return _response(error.code, error.read(_LARGEST))

    def _tls_context(self) -> ssl.SSLContext:
        file = self._settings.ca_file
        try:
            return ssl.create_default_context(cafile=None if file is None else str(Path(self._settings.cwd) / file))
        except OSError as error:
            raise DriverFailed("start", f"{file} holds no certificates that can be read: {error}") from None

    def _shown(self, text: str) -> str:
        text = self._scrubbed(text, {})
        return (text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…") or "no text"

    def _scrubbed(self, text: str, values: Mapping[str, Any]) -> str:
        for each in [*self._secrets.values(), str(values.get("password") or "")]:
            text = Secret(each).scrub(text)
        return text


def _values(args: Mapping[str, Any]) -> dict[str, Any]:
    """What the placeholders stand for; what was not given is not there."""
    values = {name: value for name, value in args.items() if value is not None}
    if "action_name" in values:
        values["action"] = values.pop("action_name")
    if isinstance(values.get("password"), Secret):
        values["password"] = values["password"].reveal()
    if values.get("statuses"):
        values["status"] = values["statuses"][0]
    return values | {"uuid": str(uuid4()), "now": datetime.now(UTC).isoformat().replace("+00:00", "Z")}


def _unnumbered(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A payload without what a CSMS may number by itself."""
    return {
        key: _without_ids(value) if isinstance(value, Mapping) and "chargingSchedule" in value else value
        for key, value in payload.items()
        if key not in _NUMBERED
    }


def _without_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_ids(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {key: _without_ids(item) for key, item in value.items() if key not in _PROFILE_IDS}


def _body(template: Operation | Poll, filled: Values) -> tuple[bytes | None, str]:
    form = template.form if isinstance(template, Operation) else {}
    if form:
        fields = {key: filled.json(value) for key, value in form.items()}
        given = {key: _word(value) for key, value in fields.items() if value is not MISSING}
        return urlencode(given).encode(), "application/x-www-form-urlencoded"
    if template.body is None:
        return None, ""
    if isinstance(template.body, str) and template.body != "{payload}":
        return filled.text(template.body).encode(), "text/plain; charset=utf-8"
    return json.dumps(filled.json(template.body)).encode(), "application/json"


def _plain(value: Any) -> Any:
    """A template as plain values, for its placeholders to be found."""
    if not isinstance(value, Operation | Poll):
        return value
    parts = [value.url, value.headers, value.body]
    if isinstance(value, Operation):
        parts += [value.form, _plain(value.poll)]
    return parts


def _section(operation: str) -> str:
    return f"[driver.operation.{operation}]"


def _word(value: Any) -> str:
    """A value as a profile names it: a text as it is, anything else as JSON."""
    if value is MISSING:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _response(status: int, content: bytes) -> Response:
    text = content.decode("utf-8", "replace")
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        value = None
    return Response(status, text, value)


async def _in_a_thread(work: Callable[[], Response]) -> Response:
    """Run something that blocks in a daemon thread, so that one that never returns holds up no end."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Response] = loop.create_future()

    def settle(result: Response | None, error: Exception | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        elif result is not None:
            outcome.set_result(result)

    def run() -> None:
        result: Response | None = None
        failure: Exception | None = None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 -- handed over to who waits
            failure = error
        try:
            loop.call_soon_threadsafe(settle, result, failure)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    threading.Thread(target=run, name="http", daemon=True).start()
    return await outcome
