"""What became of who showed themselves in TLS: which certificates, versions and suites were let in, which not."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from conformance.cases.verdict import Verdict

Refuses = Literal["must", "should", "may", "must not"]
"""What the documents ask of who is shown something: to refuse it, or to let it in (`must not` refuse it)."""


class Reception(StrEnum):
    """How it went; `NOT_JUDGED`: it could not be shown here, or nothing came of it either way."""

    REFUSED = "refused"
    ACCEPTED = "accepted"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing that was shown to the system under test, and what came of it: a line of the table in the report.

    A case notes it with `spec.shown.append(Shown(...))`, next to the findings, which alone make its verdict. `what` is
    the name of a member of the zoo (`expired`), of a version (`TLS 1.1`) or of a suite, `wrong` says in words what is
    wrong with it, empty for a good one; both stand in `certs/recipe.toml`, as does `refuses`. `alert` is the TLS alert
    that the system under test sent (`bad_certificate`), `event` the security event that it told of, both empty where
    there was none. `besides` is what was found of it beyond that: FAIL where it was refused, but an event that is due
    never came, for instance. `why` gives the reason for an outcome that needs words.
    """

    what: str
    outcome: Reception
    wrong: str = ""
    refuses: Refuses = "must"
    alert: str = ""
    event: str = ""
    besides: Verdict = Verdict.PASS
    why: str = ""

    @property
    def verdict(self) -> Verdict:
        """What it comes to."""
        return Verdict.worst((self._reception, self.besides), Verdict.PASS)

    @property
    def _reception(self) -> Verdict:
        if self.outcome is Reception.NOT_JUDGED:
            return Verdict.INCONCLUSIVE
        if self.outcome is Reception.REFUSED:
            return Verdict.FAIL if self.refuses == "must not" else Verdict.PASS
        return {"must": Verdict.FAIL, "should": Verdict.WARN}.get(self.refuses, Verdict.PASS)
