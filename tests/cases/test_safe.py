"""What may be changed on a system in the field: the data of the harness, and what a profile adds and takes away."""

import pytest

from conformance.cases.keys import standard_keys
from conformance.cases.safe import Safe, safety
from conformance.cases.variables import standard_variables

NEVER = [
    *("SecurityCtrlr.BasicAuthPassword", "SecurityCtrlr.Identity", "OCPPCommCtrlr.NetworkConfigurationPriority"),
    *("ClockCtrlr.TimeSource", "AuthCtrlr.Enabled", "TariffCostCtrlr.Currency", "TxCtrlr.TxStartPoint"),
    *("ISO15118Ctrlr.SeccId", "SmartChargingCtrlr.Enabled", "Connector(1,1).Available", "ClockCtrlr.NtpServerUri"),
]
NEVER_16 = ["AuthorizationKey", "SecurityProfile", "WebSocketPingInterval", "CpoName", "LocalAuthListEnabled"]


@pytest.mark.parametrize("name", NEVER)
def test_what_could_lock_out_or_bill_is_never_set(name):
    assert isinstance(safety("2.0.1").of(name), str)
    assert isinstance(safety("2.0.1").with_profile([(name, ("a", "b"))], ()).of(name), str)


@pytest.mark.parametrize("name", NEVER_16)
def test_nor_is_it_in_the_older_version(name):
    assert isinstance(safety("1.6").of(name), str)


@pytest.mark.parametrize("edition", ["2.0.1", "1.6"])
def test_every_setting_of_the_documents_is_decided_on(edition):
    """One that can be written and is in neither list would be left alone without anybody having thought about it."""
    if edition == "1.6":
        names = [row.key for row in standard_keys() if row.accessibility != ("R",)]
    else:
        names = [str(row) for row in standard_variables() if set(row.mutability) != {"ReadOnly"}]
    undecided = [each for each in names if safety(edition).of(each) == safety(edition).of("Vendor.Unheard")]
    assert undecided == []


@pytest.mark.parametrize("edition", ["2.0.1", "1.6"])
def test_numbers_have_bounds_that_make_sense(edition):
    for row in safety(edition).safe.values():
        assert (row.least is None) == (row.most is None)
        assert row.least is None or row.least < row.most
        assert isinstance(safety(edition).of(row.name), Safe), f"{row.name} is safe and unsafe"


def test_names_mean_the_same_in_either_case():
    assert isinstance(safety("2.0.1").of("ocppcommctrlr.offlinethreshold"), Safe)


def test_a_profile_adds_values_and_settings():
    more = safety("2.0.1").with_profile(
        [("OCPPCommCtrlr.OfflineThreshold", ("7",)), ("Halfmoon.Glow", ("on", "off"))], ()
    )
    known, new = more.of("OCPPCommCtrlr.OfflineThreshold"), more.of("halfmoon.glow")
    assert isinstance(known, Safe)
    assert known.values == ("7",)
    assert known.most == 86400
    assert isinstance(new, Safe)
    assert new.values == ("on", "off")
    assert not new.allows(3)


def test_a_profile_forbids():
    said = safety("2.0.1").with_profile([], ["TxCtrlr.*", "DeviceDataCtrlr.*"])
    assert said.of("TxCtrlr.EVConnectionTimeOut") == "the profile says hands off"
    assert isinstance(said.of("OCPPCommCtrlr.OfflineThreshold"), Safe)
    assert not said.may_probe("DeviceDataCtrlr.ItemsPerMessage[GetReport]")
    assert safety("2.0.1").may_probe("DeviceDataCtrlr.ItemsPerMessage[GetReport]")


def test_of_what_is_read_only_only_what_is_named_is_probed():
    assert not safety("2.0.1").may_probe("SecurityCtrlr.SecurityProfile")
    assert not safety("2.0.1").may_probe("ClockCtrlr.DateTime")
    assert not safety("1.6").may_probe("SecurityProfile")
    assert safety("1.6").may_probe("NumberOfConnectors")
