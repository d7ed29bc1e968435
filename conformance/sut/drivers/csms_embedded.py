"""The reference CSMS, or a mutant of it, run inside the harness."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance.sut.drivers.actions import Context, DriverFailed
from conformance.sut.operations import OPERATIONS
from conformance.sut.secret import Secret
from conformance.sut.tables import Parameters

if TYPE_CHECKING:
    from conformance.reference.csms.config import SecuritySetup, StationSetup, TokenSetup
    from conformance.reference.csms.csms import ReferenceCsms

_POLICIES = {"Accepted": "accept", "Pending": "pending", "Rejected": "reject"}
_TOKENS = {"add_token": "Accepted", "block_token": "Blocked", "expire_token": "Expired"}


class EmbeddedCsmsHands:
    """Runs a reference CSMS in the harness's own event loop; `mutant` is a class to run in its place.

    From the start it knows what the `parameters` of the profile say that it knows: stations, all with the password of
    the profile, and tokens. It gives up a call that gets no answer after `call_timeout` seconds.
    """

    trouble = ""

    def __init__(self, mutant: type | None = None, *, parameters: Parameters, call_timeout: float) -> None:
        self._class = mutant
        self._parameters = parameters
        self._call_timeout = call_timeout
        self._csms: ReferenceCsms | None = None

    @property
    def url(self) -> str | None:
        """Where it listens, once it does."""
        return None if self._csms is None else self._csms.url

    @property
    def urls(self) -> Mapping[int, str]:
        """Where it listens in each security profile, once it does: by the name in its certificate where it has one."""
        if self._csms is None:
            return {}
        return {each: _named(url) if url.startswith("wss:") else url for each, url in self._csms.urls.items()}

    def can(self, name: str) -> bool:
        """Every operation and every command."""
        return name in OPERATIONS or name[:1].isupper()

    async def start(self, context: Context) -> None:
        """Build the CSMS and have it listen."""
        from conformance.reference.csms.config import CsmsConfig  # noqa: PLC0415 -- needed by this driver only
        from conformance.reference.csms.csms import ReferenceCsms  # noqa: PLC0415

        second = self._parameters.second_identity
        known = [context.identity] if second is None else [context.identity, second]
        config = CsmsConfig(
            stations={identity: _setup(context.password) for identity in known},
            tokens=_tokens(self._parameters),
            call_timeout=self._call_timeout,
            security=_installed(context),
        )
        csms: ReferenceCsms = (self._class or ReferenceCsms)(config)
        try:
            await csms.start()
        except OSError as error:
            raise DriverFailed("start", f"the reference CSMS can't listen: {error}") from error
        self._csms = csms

    async def stop(self) -> None:
        """Have it close."""
        csms, self._csms = self._csms, None
        if csms is not None:
            await csms.stop()

    async def act(self, action: str, **args: Any) -> Any:
        """Do it by the CSMS's own methods."""
        if self._csms is None:
            raise DriverFailed(action, "the reference CSMS has not been started")
        try:
            return self._carry_out(self._csms, action, args)
        except (LookupError, TypeError, ValueError) as error:
            raise DriverFailed(action, f"the reference CSMS can't do that: {error!r}") from error

    def _carry_out(self, csms: "ReferenceCsms", action: str, args: dict[str, Any]) -> Any:
        match action:
            case "command":
                return csms.command(args["identity"], args["action_name"], args["payload"]).number
            case "add_token" | "block_token" | "expire_token" | "remove_token" | "read_token":
                return _token(csms, action, args)
            case "read_station":
                return csms.station_view(args["identity"])
            case "read_transactions":
                return csms.station_view(args["identity"])["transactions"]
            case _:
                return _station(csms, action, args)


def _named(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"localhost:{parts.port}").geturl()


def _installed(context: Context) -> "SecuritySetup | None":
    """The certificates that it shows, and those that it trusts."""
    from conformance.reference.csms.config import SecuritySetup  # noqa: PLC0415

    folder = context.pki_folder
    return None if folder is None else SecuritySetup.read(folder, context.operator)


def _tokens(parameters: Parameters) -> "dict[str, TokenSetup]":
    from conformance.reference.csms.config import TokenSetup  # noqa: PLC0415

    known = {
        parameters.valid_id_token: "Accepted",
        parameters.other_valid_id_token: "Accepted",
        parameters.blocked_id_token: "Blocked",
        parameters.expired_id_token: "Expired",
    }
    tokens = {token.id_token: TokenSetup(status=status) for token, status in known.items()}
    grouped = parameters.grouped_id_token
    return tokens if grouped is None else tokens | {grouped.id_token: TokenSetup(group=grouped.group)}


def _token(csms: "ReferenceCsms", action: str, args: dict[str, Any]) -> Any:
    from conformance.reference.csms.config import TokenSetup  # noqa: PLC0415

    id_token = args["id_token"]
    if action == "read_token":
        known = csms.tokens[id_token.casefold()]
        return {"status": known.status, "type": known.type}
    if action == "remove_token":
        csms.remove_token(id_token)
    else:
        csms.set_token(id_token, TokenSetup(status=_TOKENS[action]))
    return None


def _station(csms: "ReferenceCsms", action: str, args: dict[str, Any]) -> None:
    identity = args["identity"]
    if action == "remove_station":
        csms.remove(identity)
        return
    if action == "provision_station":
        csms.provision(identity, _setup(args["password"]))
        return
    record = csms.stations[identity]
    setup = record.as_set_up()
    if action == "set_password":
        setup = replace(setup, password=args["password"].reveal().encode())
    else:
        policy = tuple(_POLICIES[each] for each in args["statuses"])
        setup = replace(setup, policy=policy, interval=args["interval"])
    csms.provision(identity, setup)


def _setup(password: Secret | None) -> "StationSetup":
    from conformance.reference.csms.config import StationSetup  # noqa: PLC0415

    return StationSetup(password=None if password is None else password.reveal().encode())
