"""Merging what a station holds into the limit of one EVSE, or of the station, over time.

For each purpose the profile of the highest stack level that has a period then speaks (K01.FR.17; OCPP 1.6 §3.13.2).
A TxProfile overrules the TxDefaultProfile of its transaction (K02.FR.04) until it runs out (FR.08). What is left, the
station's own maximum and external constraints are merged to the lowest (K08.FR.04; OCPP 1.6 §3.13.3).

Where the documents leave a choice, a `Step` has a `least` below its `limit`:
* the station's maximum is for all EVSEs together, so an EVSE may be left with an equal part of it;
* an EVSE may count its own greatest power, and offer nothing where a limit is too low for any EV to charge;
* the lowest power of profiles for different numbers of phases may be found per phase, or in all;
* in 1.6, a TxProfile that ran out may leave its transaction to the TxDefaultProfile, or to no profile at all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from conformance.oracles.charging.book import Book, Entry
from conformance.oracles.charging.course import Course, Step
from conformance.oracles.charging.profile import EXTERNAL, STATION_MAX, TX, TX_DEFAULT, Period, Unit
from conformance.oracles.charging.site import DEFAULT_PHASES, EvseLimits, Running, Site, exact


def expected(  # noqa: PLR0913 -- whose limit, of what, when, and in which unit
    book: Book,
    site: Site,
    evse: int,
    first: datetime,
    last: datetime,
    unit: Unit,
    running: Sequence[Running] = (),
) -> Course:
    """The limit of an EVSE from `first` to before `last`, or of the whole station if `evse` is 0.

    Where no transaction runs, one with the TxDefaultProfile is imagined that begins at `first` (K08.FR.06). Raises
    ValueError for an EVSE that the station does not have.
    """
    if evse and evse not in site.evses:
        raise ValueError(f"expected one of the EVSEs {sorted(site.evses)}, got {evse}")
    merger = _Merger(book, site, first, unit, {each.evse: each for each in running})
    chosen = [evse] if evse else sorted(site.evses)
    moments = {first}
    for each in chosen:
        for entry in book.entries:
            if entry.evse in (0, each):
                moments.update(entry.profile.edges(first, last, merger.began(each)))
    find = merger.station if evse == 0 else lambda moment: merger.evse(evse, moment)
    return Course.of(first, last, unit, (Step(moment, *find(moment)) for moment in sorted(moments)))


@dataclass(frozen=True, slots=True)
class _Said:
    """What a leading profile says in a moment.

    `shared` if it does so of all EVSEs together; `open` where the documents leave open whether it does at all.
    """

    entry: Entry
    period: Period
    shared: bool
    open: bool = False

    @property
    def limit(self) -> Fraction:
        return self.period.limit


@dataclass(frozen=True, slots=True)
class _Merger:
    book: Book
    site: Site
    first: datetime
    unit: Unit
    running: dict[int, Running]

    def began(self, evse: int) -> datetime:
        return self.running[evse].began if evse in self.running else self.first

    def evse(self, evse: int, moment: datetime) -> tuple[Fraction | None, Fraction | None]:
        """The limit of an EVSE, and the least that may be said of it."""
        said = [*self._own(evse, moment), *self._overall(moment)]
        if all(each.open for each in said):
            return None, None
        return self._merged(said, self.site.evses[evse], len(self.site.evses))

    def station(self, moment: datetime) -> tuple[Fraction | None, Fraction | None]:
        """The limit of the whole station, and the least that may be said of it.

        An EVSE where no transaction runs may be expected to draw nothing (K08.FR.03), or what its TxDefaultProfile
        lets it (FR.06), of which 1.6 says nothing. One without any profile draws what it can, and nobody knows how
        much that is.
        """
        overall = list(self._overall(moment))
        limits: list[Fraction | None] = []
        least = Fraction()
        for evse, built in self.site.evses.items():
            said, idle = list(self._own(evse, moment)), evse not in self.running
            sure = [each for each in said if not (each.open or (idle and self.book.version == "1.6"))]
            limits.append(self._merged(sure, built, 1)[0] if sure else None)
            if said and not idle:
                least += self._merged(said, built, 1)[1]
        known = [each for each in limits if each is not None]
        total = sum(known, Fraction()) if len(known) == len(limits) else None
        if not overall:
            return (None, None) if total is None else (total, least)
        whole = EvseLimits(max(each.phases for each in self.site.evses.values()), self.site.watts)
        limit, low = self._merged(overall, whole, 1)
        return (limit if total is None else min(limit, total)), min(low, least)

    def _own(self, evse: int, moment: datetime) -> Iterator[_Said]:
        """What is said of this EVSE alone: by the TxProfile, or else the TxDefaultProfile, and by external ones."""
        running = self.running.get(evse)
        entries = [each for each in self.book.entries if each.evse == evse]
        mine = [
            each
            for each in entries
            if each.profile.purpose == TX
            and running is not None
            and each.profile.transaction in (None, running.transaction)
        ]
        defaults = [
            each
            for each in self.book.entries
            if each.profile.purpose == TX_DEFAULT
            and (each.evse == evse or (each.evse == 0 and not self._replaced(each, entries)))
        ]
        leading = self._leading(mine, moment, evse)
        if leading is None:
            default = self._leading(defaults, moment, evse)
            expired = bool(mine) and self.book.version == "1.6"  # of 2.0.1, K02.FR.08 decides it
            leading = default if default is None else replace(default, open=expired)
        external = self._leading((each for each in entries if each.profile.purpose == EXTERNAL), moment, evse)
        yield from (each for each in (leading, external) if each is not None)

    def _replaced(self, of_all: Entry, own: Iterable[Entry]) -> bool:
        """Whether a TxDefaultProfile of all EVSEs is replaced for one by a profile of its own (OCPP 1.6 §3.13.1)."""
        return self.book.version == "1.6" and any(
            each.profile.purpose == TX_DEFAULT and each.profile.stack_level == of_all.profile.stack_level
            for each in own
        )

    def _overall(self, moment: datetime) -> Iterator[_Said]:
        """What is said of the whole station."""
        for purpose in (STATION_MAX, EXTERNAL):
            entries = (each for each in self.book.entries if each.evse == 0 and each.profile.purpose == purpose)
            leading = self._leading(entries, moment, 0)
            if leading is not None:
                yield leading

    def _leading(self, entries: Iterable[Entry], moment: datetime, evse: int) -> _Said | None:
        """What the highest stack level says that has a period now; of equals that of the EVSE, and then the newest."""
        best: tuple[int, int, int] | None = None
        found = None
        for age, entry in enumerate(entries):
            period = entry.profile.period(moment, self.began(evse))
            rank = (entry.profile.stack_level, entry.evse, age)
            if period is not None and (best is None or rank > best):
                best, found = rank, _Said(entry, period, shared=evse == 0)
        return found

    def _merged(self, said: Sequence[_Said], built: EvseLimits, evses: int) -> tuple[Fraction, Fraction]:
        """The lowest limit, and the least that may be said, `evses` of them sharing what is said of the station."""
        phases = min([built.phases, *(self._phases(each, built) for each in said)])
        limit = min((self._most(each, built) for each in said if not each.open), default=None)
        amperes = min(self._amperes(each, built) / (evses if each.shared else 1) for each in said)
        least = self._told(amperes, phases)
        greatest = self._greatest(built)
        if greatest is not None:
            least = min(least, greatest)
        too_low = [self._told(exact(self.site.least_amperes), phases)] if built.phases else []
        for each in said:
            rate = each.entry.profile.least_rate
            if rate is not None:
                too_low.append(self._told(self._per_phase(rate, each, built), phases))
        if any(least < each for each in too_low):
            least = Fraction()
        return (least, least) if limit is None else (limit, min(least, limit))

    def _most(self, said: _Said, built: EvseLimits) -> Fraction:
        """Its limit in the unit that is asked for, at the most by any reading of the documents."""
        profile = said.entry.profile
        if profile.unit == self.unit:
            return said.limit
        if self.unit == "W":
            return self._told(said.limit, self._phases(said, built))
        if self.book.version == "1.6":  # errata of 1.6 §3.34: the limit as given, for the phases that are used
            return said.limit / self._volts(self._phases(said, built))
        return self._amperes(said, built)

    def _amperes(self, said: _Said, built: EvseLimits) -> Fraction:
        """Its limit in amperes per phase (K01.FR.50, 51)."""
        return self._per_phase(said.limit, said, built)

    def _per_phase(self, number: Fraction, said: _Said, built: EvseLimits) -> Fraction:
        if said.entry.profile.unit == "A":
            return number
        told = said.period.phases or DEFAULT_PHASES
        return number / self._volts(told if built.phases else 0)

    def _phases(self, said: _Said, built: EvseLimits) -> int:
        """How many phases are used of those that it names (K01.FR.45), 0 for direct current (FR.44)."""
        return min(said.period.phases or DEFAULT_PHASES, built.phases)

    def _greatest(self, built: EvseLimits) -> Fraction | None:
        if built.watts is None:
            return None
        return exact(built.watts) if self.unit == "W" else exact(built.watts) / self._volts(built.phases)

    def _told(self, amperes: Fraction, phases: int) -> Fraction:
        return amperes if self.unit == "A" else amperes * self._volts(phases)

    def _volts(self, phases: int) -> Fraction:
        return exact(self.site.voltage) * (phases or 1)
