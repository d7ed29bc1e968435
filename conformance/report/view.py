"""What the pages and the terminal have in common: which cases to show, and how to make a text harmless."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.cases.grade import Grade
from conformance.cases.verdict import Verdict
from conformance.report.result import CaseRow, FindingRow, ProofRow, RunResult

UNPROVEN = (Verdict.INCONCLUSIVE, Verdict.ERROR)

_UNNAMED = "the system under test"
_SUT = ("name", "vendor", "model", "firmware", "serial", "identity", "role", "versions")

MEANS = {
    Grade.A: "nothing failed",
    Grade.B: "only minor failures, or a recommendation missed",
    Grade.C: "a normal requirement failed",
    Grade.D: "a critical one failed",
    Grade.F: "a blocker failed: what the proof exists for",
    Grade.NG: "not graded: something unproven could still decide it",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A case once, however many proofs list it, with the findings that matter here."""

    row: CaseRow
    proofs: tuple[str, ...]
    findings: tuple[FindingRow, ...]

    @property
    def where(self) -> str:
        """The role and version, `station 2.0.1` for instance."""
        return place(self.row.role, self.row.version)


def failed(result: RunResult) -> list[Shown]:
    """The cases in which something failed, worst first, even those which then broke off."""
    shown = _shown(result, lambda row: row.verdict is Verdict.FAIL, (Verdict.FAIL,))
    return sorted(shown, key=lambda each: -each.row.severity.rank)


def warned(result: RunResult) -> list[Shown]:
    """The cases in which a recommendation was missed."""
    return _shown(result, lambda row: row.verdict is Verdict.WARN, (Verdict.WARN,))


def unproven(result: RunResult) -> list[Shown]:
    """The cases that ran, and of which something could not be judged."""
    return _shown(result, lambda row: row.verdict in UNPROVEN, UNPROVEN)


def not_applicable(result: RunResult) -> dict[str, list[str]]:
    """The ids of the cases that do not apply, by what excluded them."""
    excluded: dict[str, list[str]] = {}
    for each in _shown(result, lambda row: row.verdict is Verdict.NOT_APPLICABLE, ()):
        excluded.setdefault(each.row.reason or "no reason given", []).append(each.row.id)
    return {reason: list(dict.fromkeys(ids)) for reason, ids in excluded.items()}


def count(result: RunResult, *verdicts: Verdict) -> int:
    """How many cases came to one of these verdicts, each counted once for its role and version."""
    return len({_key(row) for row in result.cases if row.verdict in verdicts})


def not_run(result: RunResult, proof: ProofRow) -> int:
    """How many cases of a proof never ran."""
    listed = sum(
        row.verdict in UNPROVEN and (row.proof, row.role, row.version) == (proof.proof, proof.role, proof.version)
        for row in result.cases
    )
    return max(proof.unproven - listed, 0)


def unjudged(result: RunResult, proof: ProofRow) -> list[str]:
    """How many cases of a proof could not be judged, and how many never ran, in words."""
    missing = not_run(result, proof)
    counts = {"unproven": proof.unproven - missing, "not run": missing}
    return [f"{plural(number, 'case')} {word}" for word, number in counts.items() if number]


def could_be(proof: ProofRow) -> str:
    """What the grade could still become, or nothing where it is settled."""
    if proof.reason or proof.lower is proof.upper:
        return ""
    return f"{proof.upper} to {proof.lower}" if proof.grade is Grade.NG else f"could be {proof.upper}"


def graded_of_all(result: RunResult) -> str:
    """`1 of 6 proofs`: how many of the proofs the overall grade speaks for, each role and version counted."""
    graded = sum(not proof.reason for proof in result.proofs)
    return f"{graded} of {plural(len(result.proofs), 'proof')}"


def places(result: RunResult) -> list[tuple[str, str]]:
    """The roles and versions that were judged, in their order."""
    return list(dict.fromkeys((proof.role, proof.version) for proof in result.proofs))


def place(role: str, version: str) -> str:
    """A role and version as people write them: `station 1.6`, `CSMS 2.0.1`."""
    return f"{role_word(role)} {version}"


def role_word(role: str) -> str:
    """A role as people write it."""
    return "CSMS" if role == "csms" else role


def ungraded(result: RunResult) -> dict[str, list[str]]:
    """The proofs that were graded nowhere, by reason; with role and version where they have several."""
    graded = {proof.proof for proof in result.proofs if not proof.reason}
    reasons: dict[str, set[str]] = {}
    for proof in result.proofs:
        reasons.setdefault(proof.proof, set()).add(proof.reason)
    names: dict[str, list[str]] = {}
    for proof in sorted(result.proofs, key=lambda each: list(reasons).index(each.proof)):
        if proof.proof not in graded:
            where = f" ({place(proof.role, proof.version)})" if len(reasons[proof.proof]) > 1 else ""
            names.setdefault(proof.reason, []).append(f"{proof.proof}{where}")
    return {reason: list(dict.fromkeys(each)) for reason, each in names.items()}


def name(result: RunResult) -> str:
    """Maker and model of what was tested, or what it is called."""
    return " and ".join(sut_name(sut) for sut in result.suts) or _UNNAMED


def sut_name(sut: Mapping[str, Any]) -> str:
    """Maker, model and firmware of one system under test, as far as they are known."""
    vendor, product = str(sut.get("vendor") or ""), str(sut.get("model") or sut.get("name") or "")
    named = product if product.casefold().startswith(vendor.casefold()) else f"{vendor} {product}".strip()
    return f"{named or _UNNAMED} (firmware {sut['firmware']})" if sut.get("firmware") else named or _UNNAMED


def sut_facts(result: RunResult) -> list[tuple[str, str]]:
    """What was tested, as labels and values in a fixed order, of what is known; of one after the other."""
    if len(result.suts) == 1:
        return facts(result.suts[0])
    return [
        (f"{heading(sut.get('role', ''))} {label.lower()}", value)
        for sut in result.suts
        for label, value in facts(sut)
        if label != "Role"
    ]


def heading(role: str) -> str:
    """A role at the head of a column."""
    return "CSMS" if role == "csms" else role.capitalize()


def facts(sut: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is known of one system under test, as labels and values in a fixed order."""
    return [(key.capitalize(), _fact(key, sut[key])) for key in _SUT if sut.get(key)]


def _fact(key: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return role_word(str(value)) if key == "role" else str(value)


def harness(result: RunResult) -> str:
    """The harness and its version, and what else is known of it."""
    rest = dict(result.harness)
    named = f"{rest.pop('name')} {rest.pop('version', '')}".strip() if "name" in rest else ""
    return ", ".join([*filter(None, [named]), *(f"{name} {version}" for name, version in rest.items())])


def one_line(text: str, limit: int) -> str:
    """A text on one line of at most `limit` characters, with nothing in it that a terminal or a browser obeys."""
    line = harmless(" ".join(text[: limit * 8].split()))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def frames_text(frames: Iterable[int], most: int = 6) -> str:
    """`frames 3, 7, 9`, at most so many of them, or nothing."""
    numbers = list(dict.fromkeys(frames))
    if not numbers:
        return ""
    shown = ", ".join(str(number) for number in numbers[:most])
    more = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    return f"{'frame' if len(numbers) == 1 else 'frames'} {shown}{more}"


def plural(number: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def harmless(text: str) -> str:
    """The text with controls, direction marks and the like escaped, and all else as it is."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def _shown(result: RunResult, chosen: Callable[[CaseRow], bool], verdicts: tuple[Verdict, ...]) -> list[Shown]:
    proofs: dict[tuple[str, str, str], list[str]] = {}
    first: dict[tuple[str, str, str], CaseRow] = {}
    for row in result.cases:
        if chosen(row) or any(finding.verdict in verdicts for finding in row.findings):
            first.setdefault(_key(row), row)
            proofs.setdefault(_key(row), []).append(row.proof)
    return [
        Shown(row, tuple(dict.fromkeys(proofs[key])), tuple(_those(row.findings, verdicts)))
        for key, row in first.items()
    ]


def _those(findings: Iterable[FindingRow], verdicts: tuple[Verdict, ...]) -> Iterator[FindingRow]:
    return (finding for finding in findings if finding.verdict in verdicts)


def _key(row: CaseRow) -> tuple[str, str, str]:
    return row.id, row.role, row.version
