"""`ocpp-conformance inventory`: reads the whole configuration of a station, keeps it as a baseline, and shows drift."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

import msgspec

from conformance.cases.baseline import TABLES, Baseline, BaselineError, Line, dumps, load
from conformance.oracles.drift import Comparison, Drift, Inventory, Item, compare, refreshed, taken
from conformance.peers.baselines import read_configuration
from conformance.peers.journal import Journal, journal_path
from conformance.peers.received import NoAnswer, NotSeen, Refused
from conformance.rig import UNREADY, StationRig
from conformance.sut.profile import ProfileError, SutProfile, load_profile, resolve_all
from conformance.wire.transcript import Transcript

SAME, DRIFTED = 0, 1
_WIDTH = 11


class InventoryError(Exception):
    """Why there is no inventory: one message, with what was expected, what came and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the command line asks for; `version` narrows a profile of several."""

    sut: str
    version: str | None = None
    save: str | None = None
    against: str | None = None
    json: bool = False


def inventory(settings: Settings) -> int:
    """Read, show, keep and compare; returns 1 where anything has drifted, else 0. Raises InventoryError."""
    try:
        profiles = _profiles(settings)
        baseline = load(settings.against) if settings.against else None
        kept = _kept(settings.save)
    except (ProfileError, BaselineError) as error:
        raise InventoryError(str(error)) from None
    found = [
        (profile, asyncio.run(_read(profile, baseline or kept, times=2 if settings.save else 1)))
        for profile in profiles
    ]
    readings = [(profile, first) for profile, (first, *_) in found]
    for profile, reading in readings:
        if reading.hint:
            _say(f"{_named(profile)}: what it told may not be all: {reading.hint}")
    if settings.save:
        _save(settings.save, kept, found)
    if baseline is not None:
        compared = [(profile, compare(baseline, reading)) for profile, reading in readings]
        sys.stdout.write(_compared_as_json(compared) if settings.json else _compared(compared, str(settings.against)))
        return DRIFTED if any(each.drifts for _, each in compared) else SAME
    if settings.json:
        sys.stdout.write(_as_json(readings))
    elif not settings.save:
        sys.stdout.write("".join(_listed(profile, reading) for profile, reading in readings))
    return SAME


# -- what is asked for ------------------------------------------------------------------------------------------------


def _profiles(settings: Settings) -> list[SutProfile]:
    """A profile for each version of the station."""
    stations = [profile for path in resolve_all(settings.sut) if (profile := load_profile(path)).role == "station"]
    if not stations:
        raise InventoryError(f"{settings.sut}: expected the profile of a station, got that of a CSMS; name another one")
    known = [version for profile in stations for version in profile.versions if version in TABLES]
    if not known:
        raise InventoryError(
            f"{settings.sut}: expected a station of OCPP {_either(TABLES)}; add one of them to versions"
        )
    if settings.version is not None and settings.version not in known:
        raise InventoryError(
            f"--ocpp: expected {_either(known)}, as the profile has it, got {settings.version}; choose one of them"
        )
    return [
        profile.in_version(version)
        for profile in stations
        for version in profile.versions
        if version in known and settings.version in (None, version)
    ]


def _either(words: Sequence[str] | Mapping[str, str]) -> str:
    return " or ".join(words)


def _kept(save: str | None) -> Baseline | None:
    """The baseline that is to be brought up to date, None where there is none yet."""
    if save is None:
        return None
    folder = Path(save).resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InventoryError(f"--save: expected a folder that can be written to, got {folder}; name another file")
    try:
        return load(save) if Path(save).exists() else None
    except BaselineError as error:
        raise InventoryError(f"--save: expected a baseline or no file yet, and {error}") from None


# -- reading ----------------------------------------------------------------------------------------------------------


async def _read(profile: SutProfile, baseline: Baseline | None, *, times: int) -> list[Inventory]:
    """What the station tells, so many times over: what differs moves by itself."""
    transcript = Transcript()
    transcript.redact(profile.secrets())
    _warn_of_a_run(profile)
    with tempfile.TemporaryDirectory(prefix="ocpp-conformance-") as folder:
        rig = StationRig(profile, transcript, Path(folder), say=_say)
        try:
            await rig.start()
            return [await read_configuration(rig.csms, profile, baseline) for _ in range(times)]
        except OSError as error:
            _fail(profile, f"{error.strerror or error}; free the address, or set another one under [listen]")
        except (Refused, NoAnswer, NotSeen) as error:
            _fail(profile, f"expected its configuration, and {error}")
        except (*UNREADY, ProfileError) as error:
            _fail(profile, str(error))
        except AssertionError as error:
            _fail(profile, f"expected its configuration, and {error}")
        finally:
            await rig.stop()


def _warn_of_a_run(profile: SutProfile) -> None:
    """Say where a run that was killed has left the station other than it was: that is read, and not put back, here."""
    journal = journal_path(Path("reports"), profile.identity, profile.version)
    open_changes = [each.what for each in Journal(journal)] if journal.exists() else []
    if open_changes:
        _say(
            f"{_named(profile)}: a run has not put back {', '.join(open_changes)} ({journal}); the next run does, and "
            f"till then the station is not as it was"
        )


def _fail(profile: SutProfile, message: str) -> NoReturn:
    raise InventoryError(f"{_named(profile)}: {message}") from None


def _save(path: str, kept: Baseline | None, found: Sequence[tuple[SutProfile, list[Inventory]]]) -> None:
    """Write a baseline, or bring one up to date: lines of other versions stay, and those loosened by hand that hold."""
    baseline = kept or Baseline(about=found[0][0].sut.name)
    for _, (first, again) in found:
        table = TABLES[first.version]
        lines: dict[str, Line] = taken(first, again)
        lines = refreshed(baseline.lines(first.version), lines, first)
        baseline = msgspec.structs.replace(baseline, **{table: lines})
    Path(path).write_text(dumps(baseline), encoding="utf-8")
    count = sum(len(baseline.lines(first.version)) for _, (first, *_) in found)
    _say(f"{path}: {count} lines {'taken' if kept is None else 'brought up to date'}")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


# -- showing ----------------------------------------------------------------------------------------------------------


def _named(profile: SutProfile) -> str:
    return f"{profile.sut.name}, OCPP {profile.version}"


def _compared(compared: Sequence[tuple[SutProfile, Comparison]], against: str) -> str:
    parts: list[str] = []
    for profile, comparison in compared:
        found = comparison.drifts
        count = f"{len(found)} {'drift' if len(found) == 1 else 'drifts'}" if found else "no drift"
        parts.append(f"{_named(profile)}: {count} from {against}, {comparison.compared} lines compared\n")
        parts += [f"  {drift.kind:<{_WIDTH}}{_drifted(drift)}\n" for drift in found]
        if comparison.incomparable:
            lost = comparison.incomparable
            parts.append(f"  not compared, OCPP {profile.version} has no such thing: {', '.join(lost)}\n")
    return "".join(parts)


def _drifted(drift: Drift) -> str:
    return f"{drift.name}: {drift.expected} → {drift.found}" if drift.expected else drift.name


def _listed(profile: SutProfile, reading: Inventory) -> str:
    lines = [f"{_named(profile)}: {len(reading.items)} in all\n"]
    width = min(60, max(map(len, (item.name for item in reading.items.values())), default=0))
    lines += [f"  {item.name:<{width}}  {each}\n" for item, each in _told(reading)]
    return "".join(lines)


def _told(reading: Inventory) -> Iterator[tuple[Item, str]]:
    for name in sorted(reading.items):
        item = reading.items[name]
        value = "(secret)" if item.secret else "(no value)" if item.value is None else repr(item.value)
        limits = f"  {item.limits}" if item.limits is not None else ""
        yield item, f"{item.mutability or '-':<10}  {value}{limits}"


def _as_json(readings: Sequence[tuple[SutProfile, Inventory]]) -> str:
    rows = [
        {
            "version": profile.version,
            "name": item.name,
            "value": item.value,
            "mutability": item.mutability,
            "limits": None if item.limits is None else msgspec.to_builtins(item.limits),
            "secret": item.secret,
        }
        for profile, reading in readings
        for item in reading.items.values()
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _compared_as_json(compared: Sequence[tuple[SutProfile, Comparison]]) -> str:
    rows = [
        {
            "version": profile.version,
            "compared": comparison.compared,
            "drifts": [asdict(each) for each in comparison.drifts],
            "incomparable": list(comparison.incomparable),
        }
        for profile, comparison in compared
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
