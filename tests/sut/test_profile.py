import base64
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from conformance.cases.applicability import LISTED, ExpressionError, features
from conformance.files import data
from conformance.pki import Pki
from conformance.sut.checks import EMBEDDED
from conformance.sut.profile import ProfileError, SutProfile, load_profile, resolve, resolve_all
from conformance.sut.secret import Secret
from conformance.sut.tables import Credentials, Listen, Parameters, ProcessDriver, Product, Timing

Write = Callable[..., Path]
Profile = Callable[..., SutProfile]


def complaint(path: Path) -> str:
    """What loading says, without the file's own folder; it is one line, and no traceback's business."""
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    assert caught.value.__cause__ is None
    return str(caught.value).replace(str(path), path.name)


# -- a good one -----------------------------------------------------------------------------------------------------


def test_the_smallest_profile_has_sensible_defaults(profile: Profile) -> None:
    loaded = profile()
    assert loaded.connectors == [(1, 1)]
    assert (loaded.listen.host, loaded.listen.port, loaded.listen.path) == ("127.0.0.1", 0, "/ocpp")
    assert (loaded.timing.connect, loaded.timing.settle, loaded.timing.tolerance) == (120, 5, 1.0)
    assert loaded.user == "CS001"
    assert loaded.password() is None
    assert loaded.secrets() == ()
    assert loaded.claims_map() == {"core": True, "evses": 1, "connectors": 1}
    assert loaded.parameters.valid_id_token.payload == {"idToken": "04E91C5A2B6C80", "type": "ISO14443"}
    assert loaded.describe()["driver"] == "none"


def test_a_byte_order_mark_does_no_harm(write: Write) -> None:
    path = write()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_profile(path).identity == "CS001"


def test_a_profile_cannot_be_changed(profile: Profile) -> None:
    with pytest.raises(AttributeError):
        profile().identity = "other"  # type: ignore[misc]


def test_claims_are_asked_by_name_or_official_id(profile: Profile) -> None:
    loaded = profile(
        before='functional_profiles = ["Core", "smart charging"]\nproduct_subtype = "Mode 1/2-only Charging Station"',
        after='[features]\nreset-evse = true\nac = false\ntime-sources = ["NTP"]\ntrigger-meter-values = true',
    )
    assert loaded.claims("reset-evse")
    assert loaded.claims("C-13")
    assert loaded.claims("Smart Charging")
    assert loaded.claims("time-sources")
    assert loaded.claims("trigger-message")
    assert loaded.claims("evses")
    assert not loaded.claims("ac")
    assert not loaded.claims("dc")
    assert not loaded.claims("meter-values")
    assert loaded.applies("smart-charging and mode-1-2-only")
    assert loaded.applies("HFS-8 > 1").reason == "the profile has 1 EVSE, the case needs more than 1"


@pytest.mark.parametrize("version", LISTED)
def test_every_feature_can_be_claimed_or_says_how(write: Write, profile: Profile, version: str) -> None:
    values = {"bool": "true", "list": '["x"]', "number": "3"}
    text = write().read_text().replace('["2.0.1"]', f'["{version}"]')
    for feature in features(version).of("station").values():
        line = f"[features]\n{feature.name} = {values.get(feature.kind, 'true')}"
        if feature.kind in values and not feature.derived:
            assert profile(whole=f"{text}\n{line}").claims(feature.name), feature
        else:
            assert "expected only what can be claimed by itself" in complaint(write(whole=f"{text}\n{line}"))


def test_a_report_can_show_the_profile(profile: Profile) -> None:
    shown = profile(after="[features]\ntime-sources = ['NTP']").describe()
    assert msgspec.json.decode(msgspec.json.encode(shown)) == shown
    assert shown["claims"]["time-sources"] == ["NTP"]
    assert shown["evses"] == {"1": ["cType2"]}


def test_a_csms_needs_an_address_and_no_evses(write: Write, profile: Profile) -> None:
    text = 'role = "csms"\nversions = ["2.0.1"]\nidentity = "CS001"\n[sut]\nname = "Cloud"\n'
    assert profile(whole=text + '[dial]\nurl = "wss://csms.example/ocpp"').claims_map() == {"core": True}
    assert complaint(write(whole=text)).startswith("sut.toml: [dial]: expected the address of the CSMS")


# -- one of several versions ------------------------------------------------------------------------------------------

BOTH = """
role = "station"
versions = ["2.0.1", "1.6"]
identity = "CS001"
functional_profiles = ["Core", "LocalAuthListManagement"]
product_subtype = "Mode 1/2-only Charging Station"
[sut]
name = "Box"
[[evse]]
id = 1
connector = [{ id = 1, type = "cType2" }, { id = 2, type = "sType2" }]
[features]
reset-evse = true
back-up-power = true
fixed-cable = true
"""


def test_a_version_has_the_claims_that_it_knows(profile: Profile) -> None:
    both = profile(whole=BOTH)
    old, new = both.in_version("1.6"), both.in_version("2.0.1")
    assert (both.version, old.version, new.version) == ("2.0.1", "1.6", "2.0.1")
    assert old.versions == ("1.6",)
    shared = {"core": True, "local-authorization-list": True, "fixed-cable": True, "evses": 1, "connectors": 2}
    assert old.claims_map() == shared | {"back-up-power": True}
    assert new.claims_map() == both.claims_map() == shared | {"reset-evse": True, "mode-1-2-only": True}
    assert old.applies("back-up-power and not firmware-management")
    with pytest.raises(ExpressionError, match=r"reset-evse \(C-13\) is a feature of OCPP 2.0.1, not of OCPP 1.6"):
        old.claims("reset-evse")
    with pytest.raises(ExpressionError, match=r"back-up-power \(OWN-8\) is a feature of OCPP 1.6, not of OCPP 2.0.1"):
        new.applies("back-up-power")


def test_a_version_can_differ(profile: Profile) -> None:
    own = """
    [only."1.6"]
    identity = "CS016"
    functional_profiles = ["Core", "RemoteTrigger"]
    dial = { url = "ws://other.example/ocpp" }
    [only."1.6".features]
    fixed-cable = false
    local-stop = true
    """
    both = profile(whole=BOTH + own)
    old, new = both.in_version("1.6"), both.in_version("2.0.1")
    assert (old.identity, new.identity, both.identity) == ("CS016", "CS001", "CS001")
    assert old.dial is not None
    assert new.dial is None
    assert [name for name, value in old.claims_map().items() if value] == [
        "core",
        "remote-trigger",
        "back-up-power",
        "local-stop",
        "evses",
        "connectors",
    ]
    assert new.claims("fixed-cable")
    assert both.claims_map() == new.claims_map()
    assert old.in_version("1.6") == old


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[only."2.1"]', '[only."2.1"]: expected one of the versions 2.0.1, 1.6, got another one; add it to versions'),
        (
            '[only."1.6".features]\nreset-evse = true',
            '[only."1.6".features] reset-evse: reset-evse (C-13) is a feature of OCPP 2.0.1, not of OCPP 1.6',
        ),
        (
            '[only."1.6"]\nfunctional_profiles = ["SmartChraging"]',
            '[only."1.6"] functional_profiles: expected a name from the list of the Open Charge Alliance, got "SmartC',
        ),
        (
            '[only."1.6"]\nproduct_subtype = "Mode 1/2-only Charging Station"',
            '[only."1.6"] product_subtype: expected a name from the list of the Open Charge Alliance, got "Mode 1',
        ),
        ('[only."1.6"]\nidentity = "CS:1"', '[only."1.6"] identity: expected printable characters without a colon'),
        ('[only."1.6".dial]\nurl = "http://x"', '[only."1.6".dial] url: expected an address such as ws://'),
        ('[only."1.6"]\nidentiy = "CS1"', "[only.1.6] identiy: unknown key; did you mean identity?"),
        (
            f'[parameters]\nvalid_id_token = {{ id_token = "{"A" * 21}" }}',
            "[parameters.valid_id_token] id_token: expected at most 20 characters, as OCPP 1.6 has it, got 21",
        ),
        ('[parameters]\nwrong_path = "x"', '[parameters] wrong_path: expected a path that begins with /, got "x"'),
        ('[parameters]\nsecond_identity = "a:b"', "[parameters] second_identity: expected printable characters"),
        ('[parameters]\nwritable_key = { key = "A", values = ["1"] }', "[parameters.writable_key] values: expected a"),
    ],
)
def test_what_is_wrong_about_a_version_is_said(write: Write, text: str, message: str) -> None:
    assert complaint(write(whole=f"{BOTH}\n{text}")).startswith(f"sut.toml: {message}")


def test_a_reason_not_to_apply_is_that_of_the_version(profile: Profile) -> None:
    both = profile(whole=BOTH)
    old, new = both.in_version("1.6"), both.in_version("2.0.1")
    assert old.excluded_by("back-up-power and connectors > 1", {}) == ""
    assert old.excluded_by("remote-trigger", {}) == "the profile does not claim remote-trigger (RemoteTrigger)"
    assert new.excluded_by("not reset-evse", {}) == "the profile claims reset-evse (C-13), which the case excludes"
    assert new.excluded_by("not reset-evse", {"reset-evse": False}) == ""
    assert new.excluded_by("", {}) == ""
    with pytest.raises(ExpressionError, match="is for a CSMS to claim"):
        old.excluded_by("boot-pending", {})


# -- where it is found ----------------------------------------------------------------------------------------------


def test_embedded_is_every_reference_in_every_version() -> None:
    paths = resolve_all("embedded")
    assert paths == (data("fixtures/profiles/reference-station.toml"), data("fixtures/profiles/reference-csms.toml"))
    assert paths == (*resolve_all("reference-station"), *resolve_all("reference-csms"))
    station, csms = map(load_profile, paths)
    assert {(each.role, version) for each in (station, csms) for version in each.versions} == set(EMBEDDED)
    assert station.connectors == [(1, 1), (1, 2), (2, 1)]
    assert station.in_version("2.0.1").claims("summary-report")
    assert station.in_version("1.6").claims("remote-trigger")
    assert csms.in_version("2.0.1").claims("boot-pending")


def test_anything_else_is_one_profile(tmp_path: Path) -> None:
    assert resolve_all(tmp_path / "box.toml") == (tmp_path / "box.toml",)


@pytest.mark.parametrize("path", sorted(data("fixtures/profiles").glob("*.toml")), ids=lambda path: path.stem)
def test_every_profile_that_is_shipped_loads(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text(encoding="utf-8")
    for secret in re.findall(r'password_env = "(\w+)"|\{env:(\w+)\}', text):
        monkeypatch.setenv("".join(secret), "correct horse battery")
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in set(re.findall(r'^pki = "~/(.+)"', text, re.MULTILINE)):
        Pki.new(hosts=("localhost",), identity="CS001", serial="CS001").save(tmp_path / folder)
    profile = load_profile(path)
    assert [profile.in_version(version).describe()["versions"] for version in profile.versions]


def test_other_words_are_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("box").write_text("", encoding="utf-8")
    assert resolve("box") == Path("box")
    assert resolve("other.toml") == Path("other.toml")
    assert resolve("nowhere") == Path("nowhere")
    assert resolve(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert "no such file; name a profile in TOML, or the word embedded" in complaint(resolve("nowhere"))


# -- bad ones -------------------------------------------------------------------------------------------------------


def test_a_folder_is_no_profile(tmp_path: Path) -> None:
    assert "the file can't be read (" in complaint(tmp_path)


@pytest.mark.parametrize(
    ("whole", "message"),
    [
        (b'role = "station"\nidentity = "\xff"', "sut.toml: line 2: expected UTF-8, got another encoding; save the fi"),
        ('role = "station"\nversions = [', "sut.toml: not valid TOML: Invalid value (at end of document)"),
        ('role = "station"\nrole = "csms"\n\n', "sut.toml: line 2: not valid TOML: Cannot overwrite a value"),
        ("x = " + "[" * 100_000, "sut.toml: not valid TOML: nested too deeply"),
        ("x = " + "9" * 5_000, "sut.toml: not valid TOML: Exceeds the limit"),
        ("", "sut.toml: role: expected a value, got none; add it"),
    ],
)
def test_what_is_no_toml_is_said_with_its_line(write: Write, whole: str | bytes, message: str) -> None:
    assert complaint(write(whole=whole)).startswith(message)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        # unknown keys
        ("idenity = 1", "", "idenity: unknown key; did you mean identity?"),
        ("", "[listen]\nprot = 1", "[listen] prot: unknown key; did you mean port?"),
        ("", "[sut.zzz]", "[sut] zzz: unknown key; the keys here are firmware, model, name, serial, vendor"),
        ("", "[driver]\nkind = 'process'\ncommand = ['x']\ncommend = 'x'", "[driver] commend: unknown key; did you me"),
        ("", "[driver]\nkind = 'operator'\ncommand = ['x']", "[driver] command: unknown key; the keys here are kind"),
        ("", "[[evse]]\nid = 2\nconnectors = []", "[[evse]] connectors (entry 2): unknown key; did you mean connector"),
        # wrong types and values
        ("", "[listen]\nport = '9000'", '[listen] port: expected an integer, got "9000"; mend it'),
        ("", "[listen]\nport = 70000", "[listen] port: expected an integer ≤ 65535, got 70000"),
        ("", "[listen]\nport = 2024-01-01", "[listen] port: expected an integer, got 2024-01-01"),
        ("", "[listen]\nport = true", "[listen] port: expected an integer, got true"),
        ("", "listen = 3", "[[evse.connector]] listen"),
        ("listen = 3", "", "listen: expected a table, got 3"),
        ("", "[timing]\nboot = 0", "[timing] boot: expected a number > 0.0, got 0"),
        ("", "[timing]\nboot = inf", "[timing] boot: expected a number ≤ 86400.0, got inf"),
        ("", "[timing]\nboot = nan", "[timing] boot: expected a number"),
        ("", "[[evse]]\nid = 0\nconnector = [{id = 1, type = 'x'}]", "[[evse]] id (entry 2): expected an integer ≥ 1,"),
        ("", "[[evse.connector]]\nid = 0\ntype = 'x'", "[[evse.connector]] id (entry 1.2): expected an integer ≥ 1, g"),
        ("", "[[evse.connector]]\nid = 2", "[[evse.connector]] type (entry 1.2): expected a value, got none; add it"),
        ("", "[[evse]]\nid = 2\nconnector = []", "[[evse]] connector (entry 2): expected a list of length ≥ 1, got []"),
        ("", "[[evse]]\nid = 2\nconnector = ['x']", '[[evse.connector]] (entry 2.1): expected a table, got "x"'),
        ("", "[parameters.writable_variable]\ncomponent = 'A'\nvariable = 'B'\nvalues = ['1']", "[parameters.writable"),
        (
            "",
            "[driver]\nkind = 'proces'",
            "[driver] kind: expected embedded or process or http or operator or none, go",
        ),
        ("", "[driver]\nkind = 'process'\ncommand = []", "[driver] command: expected a list of length ≥ 1, got []"),
        ("", "[driver]\ncommand = ['x']", "[driver] kind: expected a value, got none"),
        ("", "[driver]\nkind = 'process'\ncommand = ['x']\nprotocol = 'json'", "[driver] protocol: expected jsonl or "),
        (
            "",
            "[driver]\nkind = 'process'\ncommand = ['x']\nenv = {A = 1}",
            "[driver.env] A: expected text in quotes",
        ),
        # what must go together
        ("", "[[evse]]\nid = 1\nconnector = [{id = 1, type = 'x'}]", "[[evse]] id: expected each id once, got 1 twice"),
        ("", "[[evse.connector]]\nid = 1\ntype = 'x'", "[[evse.connector]] id: expected each id once on EVSE 1, got 1"),
        ("", "[listen]\npath = 'ocpp'", '[listen] path: expected a path such as /ocpp, with nothing after it, got "oc'),
        ("", "[listen]\npath = '/ocpp/'", "[listen] path: expected a path such as /ocpp"),
        ("", "[parameters]\nsecond_url = 'http://x'", "[parameters] second_url: expected an address such as ws://"),
        ("", "[dial]\nurl = 'ws://x:99999'", "[dial] url: expected an address such as ws://"),
        # security
        ("", "[security]\nprofile = 4", "[security] profile: expected 1 or 2 or 3, got"),
        ("", "[security]\npki = 'nowhere'", "[security] pki: /"),
        ("", "[security]\nroot = 'nowhere'", "[security] root: /"),
        ("", "[security]\nprofile = 2", "[security] pki: expected the folder of the certificates for security profile"),
        ("", "[security]\nurls = {'2' = 'wss://x'}", "[security] urls: expected it for a csms only, got it for a sta"),
        # claims
        ("", "[features]\nresett-evse = true", "[features] resett-evse: no feature is called 'resett-evse'; did you m"),
        ("", "[features]\nqqqqqq = true", "[features] qqqqqq: no feature is called 'qqqqqq'; catalogue/features-2.0.1"),
        ("", "[features]\nC-13 = true", "[features] C-13: expected a readable name, got an official id; write reset-e"),
        ("", "[features]\nboot-pending = true", "[features] boot-pending: boot-pending (C-44) is for a CSMS to claim"),
        ("", "[features]\nreset-evse = 'yes'", '[features] reset-evse: expected true or false, got "yes"; it says: On'),
        ("", "[features]\ntime-sources = true", "[features] time-sources: expected a list of texts, got true"),
        ("", "[features]\ntime-sources = [1]", "[features] time-sources: expected a list of texts, got [1]"),
        ("", "[features]\nrfid-readers = true", "[features] rfid-readers: expected a number ≥ 0, got true"),
        ("", "[features]\nevses = 2", "[features] evses: expected only what can be claimed by itself, got evses (HFS-"),
        ("", "[features]\nstart-points = true", "[features] start-points: expected only what can be claimed by itself"),
        ("", "[features]\ncore = true", "[features] core: expected only what can be claimed by itself, got core (Core"),
        ('functional_profiles = ["Smart Chraging"]', "", "functional_profiles: expected a name from the list"),
        ('product_subtype = "Wallbox"', "", "product_subtype: expected a name from the list"),
        # drivers
        ("", "[driver]\nkind = 'process'\ncommand = ['']", "[driver] command: expected a program to start, got an emp"),
        ("", "[driver]\nkind = 'process'\ncommand = ['x']\ncwd = 'no'", "[driver] cwd: expected a folder, got "),
        ("", "[driver]\nkind = 'process'\ncommand = ['x', '{csms-url}']", "[driver] command: {csms-url} stands for no"),
        ("", "[driver]\nkind = 'process'\ncommand = ['x']\nenv = {A = '{Url}'}", "[driver.env] A: {Url} stands for no"),
        ("", "[driver]\nkind = 'process'\ncommand = ['x']\nenv = {OCPP_PASSWORD = 'x'}", "[driver.env] OCPP_PASSWORD:"),
        # credentials
        ("", "[credentials]\npassword = 'x'", "[credentials] password: unknown key; did you mean password_"),
        ("", "[credentials]\npassword_env = 'NOT_SET'", "[credentials] password_env: expected the password in the env"),
        ("", "[credentials]\npassword_env = 'A'\npassword_file = 'b'", "[credentials]: expected password_env or passw"),
        ("", "[credentials]\npassword_file = 'none.txt'", "[credentials] password_file: "),
    ],
)
def test_what_is_wrong_is_said_in_terms_of_the_file(write: Write, before: str, after: str, message: str) -> None:
    assert complaint(write(before=before, after=after)).startswith(f"sut.toml: {message}")


def test_scalars_at_the_top_are_checked(write: Write) -> None:
    text = write().read_text()
    for old, new, message in (
        ('"station"', '"charger"', 'role: expected station or csms, got "charger"; choose one of them'),
        ('"station"', '"statoin"', 'role: expected station or csms, got "statoin"; did you mean station?'),
        ('["2.0.1"]', '["2.0.1", "2.0"]', 'versions (entry 2): expected 1.6 or 2.0.1 or 2.1, got "2.0"; did you mean '),
        ('["2.0.1"]', "[]", "versions: expected a list of length ≥ 1, got []"),
        ('["2.0.1"]', '["2.0.1", "2.0.1"]', "versions: expected each version once, got 2.0.1 twice"),
        ('["2.0.1"]', '"2.0.1"', 'versions: expected a list, got "2.0.1"'),
        ('"CS001"', '"CS:001"', 'identity: expected printable characters without a colon, got "CS:001"'),
        ('"CS001"', '"CS\\u0000"', "identity: expected printable characters without a colon, got 'CS\\x00'"),
        ('"CS001"', f'"{"x" * 49}"', "identity: expected text in quotes of length ≤ 48, got "),
        ("[[evse]]", "[evse]", "evse: expected a list, got a table"),
    ):
        assert complaint(write(whole=text.replace(old, new))).startswith(f"sut.toml: {message}")


def test_a_station_has_an_evse(write: Write) -> None:
    text = write().read_text().partition("[[evse]]")[0]
    assert complaint(write(whole=text)).startswith("sut.toml: [[evse]]: expected at least one, got none; add [[evse]]")


def test_there_is_no_reference_for_every_version(write: Write) -> None:
    text = write(after='[driver]\nkind = "embedded"').read_text().replace('["2.0.1"]', '["1.6", "2.1"]')
    said = complaint(write(whole=text))
    assert "[driver] kind: expected embedded only for a station of OCPP 2.0.1 or a station of OCPP 1.6" in said
    assert "got it for a station of 1.6, 2.1" in said


def test_other_braces_in_a_command_are_left_alone(profile: Profile) -> None:
    loaded = profile(after="[driver]\nkind = 'process'\ncommand = ['x', '${url}', '{\"a\": 1}', '{other}']")
    assert loaded.driver.command[1:] == ("${url}", '{"a": 1}', "{other}")  # type: ignore[union-attr]


# -- secrets --------------------------------------------------------------------------------------------------------


def test_the_password_comes_from_the_environment(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOX_PASSWORD", "correct horse")
    loaded = profile(after="[credentials]\nuser = 'me'\npassword_env = 'BOX_PASSWORD'")
    password = loaded.password()
    assert password is not None
    assert password.reveal() == "correct horse"
    assert loaded.user == "me"
    digits = b"correct horse".hex()
    header = base64.b64encode(b"me:correct horse").decode()
    assert loaded.secrets() == ("correct horse", header, digits, digits.upper())
    assert "correct horse" not in f"{loaded!r} {password!r} {password} {loaded.describe()}"
    monkeypatch.delenv("BOX_PASSWORD")
    with pytest.raises(
        ProfileError, match=r"profile of Box: .*BOX_PASSWORD, got none of that name; set it before the run"
    ):
        loaded.password()


def test_an_empty_password_is_none_at_all(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BOX_PASSWORD", "")
    assert "got an empty one" in complaint(write(after="[credentials]\npassword_env = 'BOX_PASSWORD'"))
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    assert "got an empty file" in complaint(write(after="[credentials]\npassword_file = 'empty'"))
    (tmp_path / "latin").write_bytes(b"\xff")
    assert "(not UTF-8)" in complaint(write(after="[credentials]\npassword_file = 'latin'"))


def test_a_password_file_lies_beside_the_profile(profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("correct horse\r\n", encoding="utf-8")
    password = profile(after="[credentials]\npassword_file = 'secret.txt'").password()
    assert password is not None
    assert password.reveal() == "correct horse"


def test_a_secret_does_not_show(profile: Profile) -> None:
    secret = Secret("abc")
    assert f"{secret} {secret!r}" == "Secret(•••) Secret(•••)"
    assert secret.scrub("xabcx") == "x•••x"
    assert Secret("").scrub("x") == "x"
    with pytest.raises(TypeError):
        secret.__reduce__()


# -- the guide ------------------------------------------------------------------------------------------------------

GUIDE = Path(__file__).parents[2] / "docs" / "writing-a-profile.md"


def test_the_guide_explains_every_key() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    tables = [SutProfile, Product, Listen, Parameters, Timing, Credentials, ProcessDriver]
    keys = {name for table in tables for name in table.__struct_encode_fields__}
    assert {key for key in keys if not re.search(rf"[`\[.]{key}[`\].]", text)} == set()


def test_the_profile_in_the_guide_is_good(profile: Profile) -> None:
    example = GUIDE.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    assert profile(whole=example).connectors == [(1, 1)]


def test_the_defaults_in_the_guide_are_true() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for name, value in msgspec.to_builtins(Timing()).items():
        assert re.search(rf"^\| `{name}` \| .* \| {value:g} \|$", text, re.MULTILINE), name
