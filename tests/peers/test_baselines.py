"""Reading a whole configuration: what stations leave out of their lists, and what they do not have."""

from pathlib import Path

import pytest

from conformance.cases.baseline import Baseline, Limits, Line
from conformance.files import data
from conformance.oracles.drift import compare
from conformance.peers.baselines import read_configuration
from conformance.reference.station import ReferenceStation
from conformance.reference.station16 import ReferenceStation16
from conformance.rig import StationRig
from conformance.sut.profile import load_profile
from conformance.wire.transcript import Transcript

PROFILE = load_profile(data("fixtures/profiles/reference-station.toml"))
THRESHOLD = "OCPPCommCtrlr.OfflineThreshold"
PASSWORD = "SecurityCtrlr.BasicAuthPassword"


class Secretive(ReferenceStation):
    """Shows neither the threshold nor the password in any report."""

    def base_report(self, base):
        """Leave them out."""
        return [each for each in super().base_report(base) or [] if each.path not in (THRESHOLD, PASSWORD)]


class WithoutFullInventory(ReferenceStation):
    """Makes no full inventory."""

    def base_report(self, base):
        """Only the others."""
        return None if base == "FullInventory" else super().base_report(base)


class WithoutReports(ReferenceStation):
    """Makes no report at all."""

    def base_report(self, base):
        """None."""
        return


class Secretive16(ReferenceStation16):
    """Lists no ResetRetries."""

    def keys_to_list(self):
        """Leave it out."""
        return [key for key in super().keys_to_list() if key.name != "ResetRetries"]


async def reading(station: type, folder: Path, baseline: Baseline | None = None, version: str = "2.0.1"):
    """What is read of such a station."""
    rig = StationRig(PROFILE.in_version(version), Transcript(), folder, station)
    try:
        await rig.start()
        return await read_configuration(rig.csms, rig.profile, baseline)
    finally:
        await rig.stop()


async def test_what_no_report_shows_is_asked_for(tmp_path):
    lines = {
        THRESHOLD: Line(value="60", mutability="ReadWrite", limits=Limits(type="integer")),
        PASSWORD: Line(secret=True),
        "OCPPCommCtrlr.Nothing": Line(any=True),
        "unspeakable": Line(any=True),
        "EVSE(1).Power (MinSet)": Line(any=True),
    }
    baseline = Baseline(unlisted="ignored", variables=lines)
    found = await reading(Secretive, tmp_path, baseline)
    assert not (await reading(Secretive, tmp_path)).has(THRESHOLD)
    assert [str(each) for each in compare(baseline, found).drifts] == [
        "EVSE(1).Power (MinSet) is missing",
        "OCPPCommCtrlr.Nothing is missing",
        "unspeakable is missing",
    ]


async def test_without_a_full_inventory_that_of_the_configuration_will_do(tmp_path):
    found = await reading(WithoutFullInventory, tmp_path)
    assert found.has(THRESHOLD)
    assert all(item.mutability != "ReadOnly" for item in found.items.values())


async def test_without_any_report_there_is_nothing_to_read(tmp_path):
    with pytest.raises(AssertionError, match="GetBaseReport FullInventory was answered NotSupported"):
        await reading(WithoutReports, tmp_path)


async def test_a_key_that_is_not_listed_is_asked_for(tmp_path):
    baseline = Baseline(unlisted="ignored", keys={"ResetRetries": Line(value="1"), "Nothing": Line(any=True)})
    found = await reading(Secretive16, tmp_path, baseline, "1.6")
    assert [str(each) for each in compare(baseline, found).drifts] == ["Nothing is missing"]
