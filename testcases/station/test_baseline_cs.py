"""The configuration against a baseline of it, where the profile names one: nothing has drifted unnoticed."""

from conformance.cases.baseline import load
from conformance.cases.case import case
from conformance.cases.spec import Spec
from conformance.cases.verdict import Severity
from conformance.oracles.drift import Kind, compare
from conformance.oracles.inventory import told
from conformance.peers.baselines import read_configuration
from conformance.peers.csms import CsmsPeer
from conformance.sut.profile import SutProfile

KINDS: dict[str, Kind] = {
    "BASELINE.VARIABLES.01": "missing",
    "BASELINE.VARIABLES.02": "added",
    "BASELINE.VALUE.01": "value",
    "BASELINE.MUTABILITY.01": "mutability",
    "BASELINE.LIMITS.01": "limits",
}

WITHOUT: dict[Kind, str] = {
    "added": "what no line names is not compared",
    "mutability": "no line states any",
    "limits": "no line states any",
}


@case(
    "CONFIGURATION_AS_BASELINE_CS",
    "The configuration is that of the baseline: nothing missing, nothing added, nothing changed",
    versions=["2.0.1", "1.6"],
    requirements=list(KINDS),
    needs="configuration-baseline",
    severity=Severity.NORMAL,
)
async def test_as_baseline(csms: CsmsPeer, spec: Spec, profile: SutProfile) -> None:
    """Read all of it, and by name what the station does not list; what the baseline leaves open is excused."""
    baseline = load(profile.parameters.baseline or "")
    found = await read_configuration(csms, profile, baseline)
    comparison = compare(baseline, found)
    for requirement, kind in KINDS.items():
        if not comparison.compared:
            spec.excuse(requirement, f"the baseline has no line that OCPP {profile.version} has a counterpart of")
        elif kind not in comparison.kinds:
            spec.excuse(requirement, f"the baseline leaves it open: {WITHOUT[kind]}")
        else:
            with spec(requirement):
                drifts = [str(each) for each in comparison.of(kind)]
                assert not drifts, told(drifts, hint=found.hint)
