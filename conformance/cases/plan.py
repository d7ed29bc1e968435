"""Which cases make a proof, by id, with a digest by which two grades can be compared."""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from conformance.cases.case import Case
from conformance.cases.catalogue import catalogue


class PlanError(ValueError):
    """A plan that can't be read: one message, with the file, what was expected, what came and what to do."""


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question, and the ids of the cases that answer it, for every role and version together."""

    name: str
    asks: str
    cases: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list of proofs. `edition` is the plan's own, raised whenever its cases change."""

    title: str
    edition: int
    proof: tuple[Proof, ...]

    def proof_of(self, case_id: str) -> str | None:
        """The first proof that lists the case."""
        return next((proof.name for proof in self.proof if case_id in proof.cases), None)

    def case_ids(self, proofs: Iterable[str] = ()) -> tuple[str, ...]:
        """The ids of all cases, or of those of the named proofs, in the plan's order and each once."""
        wanted = set(proofs)
        chosen = (proof for proof in self.proof if not wanted or proof.name in wanted)
        return tuple(dict.fromkeys(id_ for proof in chosen for id_ in proof.cases))

    def digest(self, cases: Mapping[str, Case]) -> str:
        """A hash over what decides a grade: proofs, cases, their severities, requirements, conditions and levels.

        Grades of plans with different digests are not comparable.
        """
        decides = [
            [proof.name, [_decisive(cases[id_]) if id_ in cases else id_ for id_ in proof.cases]]
            for proof in self.proof
        ]
        text = json.dumps(decides, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _decisive(case: Case) -> list[object]:
    levels = [
        [version, requirement, catalogue(version)[requirement].binding]
        for version in case.versions
        for requirement in sorted(case.for_version(version).requirements)
    ]
    return [case.id, case.role, case.severity, case.needs, levels]


def load_plan(path: Path) -> Plan:
    """Read a plan; raises PlanError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"{path}: the plan can't be read ({error}); name an existing TOML file with --plan") from error
    try:
        plan = msgspec.convert(tomllib.loads(text), Plan)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{path}: not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise PlanError(f"{path}: {error}; see testcases/plans/minimum-proof.toml for the shape of a plan") from error
    names = [proof.name for proof in plan.proof]
    if len(names) != len(set(names)):
        raise PlanError(f"{path}: [[proof]] name must be unique, got {', '.join(names)}")
    return plan
