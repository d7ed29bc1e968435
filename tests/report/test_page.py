"""Rendering with a program that stands in for Node, and once with Allure itself where asked for."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from report_support import case, result

from conformance.cases.verdict import Verdict
from conformance.report import page
from conformance.report.certificate import write_certificate
from conformance.report.page import NoRenderer, cache_dir, find_node, installed, offline, render

ALLURE_PAGE = """<!DOCTYPE html>
<html dir="ltr" lang="en">
<head>
    <meta charset="utf-8">
</head>
<body><script src="data:text/javascript;base64,aaaa"></script>
    <script>window.allure = window.allure || {};</script>
    <script async src="https://www.googletagmanager.com/gtag/js?id=G-LNDJ3J7WT0"></script>
    <script>
        window.dataLayer = window.dataLayer || [];
        function gtag(){dataLayer.push(arguments);}
        gtag('js', new Date());
    </script>
    <script>window.data = 1</script>
</body></html>
"""

STAND_IN = """\
import json, os, pathlib, sys
arguments = sys.argv[1:]
if arguments == ["--version"]:
    print(os.environ.get("STAND_IN_VERSION", "v22.1.0"))
elif arguments and arguments[0] == "ci":
    home = pathlib.Path(arguments[arguments.index("--prefix") + 1])
    assert (home / "package-lock.json").is_file()
    if os.environ.get("STAND_IN_OFFLINE"):
        sys.exit("npm warn old\\nnpm error code ENOTFOUND")
    command = home / "node_modules" / "allure" / "cli.js"
    command.parent.mkdir(parents=True)
    command.write_text("")
else:
    assert arguments[0].endswith("cli.js"), arguments
    output = pathlib.Path(arguments[arguments.index("--output") + 1])
    config = json.loads(pathlib.Path(arguments[arguments.index("--config") + 1]).read_text())
    if os.environ.get("STAND_IN_BROKEN"):
        sys.exit("SyntaxError: no")
    output.mkdir()
    html = pathlib.Path(os.environ["STAND_IN_PAGE"]).read_text()
    (output / "index.html").write_text(html + "<!--" + json.dumps(config) + "-->")
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A program that behaves like Node with npm as far as a page needs it."""
    if sys.platform == "win32":
        pytest.skip("the stand-in is a shell script")
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("node", "npm"):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S -E "{script}" "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "page.html").write_text(ALLURE_PAGE)
    monkeypatch.setenv("STAND_IN_PAGE", str(tmp_path / "page.html"))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("OCPP_CONFORMANCE_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def run_dir(tmp_path):
    folder = tmp_path / "run"
    (folder / "allure-results").mkdir(parents=True)
    one = result(case(verdict=Verdict.FAIL))
    one.save(folder / "result.json")
    write_certificate(one, folder / "certificate.html")
    return folder


@pytest.mark.usefixtures("stand_in")
def test_rendered_page_makes_no_request_and_starts_with_the_grades(run_dir):
    path = render(run_dir)
    assert path == run_dir / "report.html"
    html = path.read_text(encoding="utf-8")
    assert "googletagmanager" not in html
    assert "gtag" not in html
    config = json.loads(html.rpartition("<!--")[2].removesuffix("-->"))
    assert config["name"] == "OCPP conformance: ACME Wallbox (firmware 1.2), overall grade C"
    assert config["variables"] == {"Overall grade": "C, of 1 of 2 proofs", "boot": "C: 1 of 1 judged"}
    assert config["globalAttachments"] == ["certificate.html"]
    assert config["plugins"]["awesome"]["options"]["singleFile"] is True
    assert (run_dir / "allure-results" / "environment.properties").is_file()


@pytest.mark.usefixtures("stand_in")
def test_allure_is_installed_once_and_used_offline_afterwards(run_dir, monkeypatch, tmp_path):
    render(run_dir)
    monkeypatch.setenv("STAND_IN_OFFLINE", "1")
    render(run_dir)
    assert [each.name for each in (tmp_path / "cache").iterdir()] == [installed(find_node()).parents[2].name]


@pytest.mark.usefixtures("stand_in")
def test_no_registry_says_what_to_do(run_dir, monkeypatch, tmp_path):
    monkeypatch.setenv("STAND_IN_OFFLINE", "1")
    with pytest.raises(NoRenderer, match="could not install Allure 3: npm error code ENOTFOUND; connect once"):
        render(run_dir)
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.usefixtures("stand_in")
def test_allure_that_fails_gives_its_reason(run_dir, monkeypatch):
    monkeypatch.setenv("STAND_IN_BROKEN", "1")
    with pytest.raises(NoRenderer, match=r"Allure could not render .*allure-results: SyntaxError: no"):
        render(run_dir)


@pytest.mark.usefixtures("stand_in")
def test_install_lost_against_another_run_uses_that_one(run_dir, monkeypatch):
    def overtaken(self, target):
        (target / "allure").mkdir(parents=True)
        (target / "allure" / "cli.js").write_text("")
        raise FileExistsError(str(target))

    monkeypatch.setattr(Path, "rename", overtaken)
    assert render(run_dir).is_file()


@pytest.mark.usefixtures("stand_in")
def test_install_that_can_not_be_kept_is_an_error(run_dir, monkeypatch):
    def full(*_arguments):
        raise OSError("no space left")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="no space left"):
        render(run_dir)


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected the folder of a run"):
        render(tmp_path)


@pytest.mark.parametrize(
    ("version", "npm", "message"),
    [
        ("v18.19.0", True, "found .*node of version 18:"),
        ("v22.0.0", False, "version 22 without npm"),
        ("?", True, "version 0"),
    ],
)
def test_node_that_will_not_do(stand_in, monkeypatch, version, npm, message):
    monkeypatch.setenv("STAND_IN_VERSION", version)
    monkeypatch.setattr(page, "_bundled_node", lambda: None)
    if not npm:
        (stand_in / "npm").unlink()
    with pytest.raises(NoRenderer, match=message):
        find_node()


def test_no_node_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(page.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(
        NoRenderer, match=r"and there is none: install Node.js 20 .* `pip install ocpp-conformance\[report\]`"
    ):
        find_node()


@pytest.mark.parametrize(
    ("program", "npm"),
    [("bin/node", "lib/node_modules/npm/bin/npm-cli.js"), ("node.exe", "node_modules/npm/bin/npm-cli.js")],
)
def test_node_out_of_a_wheel(monkeypatch, tmp_path, program, npm):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    for name in (program, npm):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(page.importlib.util, "find_spec", lambda _name: found)
    node = find_node()
    assert node.program == str(tmp_path / program)
    assert node.npm == (str(tmp_path / program), str(tmp_path / npm))


def test_wheel_without_the_program(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(page.importlib.util, "find_spec", lambda _name: found)
    with pytest.raises(NoRenderer):
        find_node()


def test_offline_page_keeps_everything_else():
    quiet = offline(ALLURE_PAGE)
    assert "Content-Security-Policy" in quiet.split("<meta charset")[0]
    assert "https:" not in quiet
    for kept in ("data:text/javascript;base64,aaaa", "window.allure", "window.data = 1"):
        assert kept in quiet


def test_program_that_hangs_or_is_none(tmp_path):
    done = page._run([sys.executable, "-c", "while True: pass"], within=0.2)
    assert "not done within" in page._reason(done)
    assert "can't be started" in page._reason(page._run([str(tmp_path / "none")], within=1.0))
    assert page._reason(subprocess.CompletedProcess([], 3, "", "")) == "exit code 3"


def test_cache_is_where_the_platform_keeps_such_things(monkeypatch, tmp_path):
    monkeypatch.setenv("OCPP_CONFORMANCE_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path.resolve()
    monkeypatch.delenv("OCPP_CONFORMANCE_CACHE")
    for platform, variable in (("linux", "XDG_CACHE_HOME"), ("win32", "LOCALAPPDATA")):
        monkeypatch.setattr(page.sys, "platform", platform)
        monkeypatch.setenv(variable, str(tmp_path))
        assert cache_dir() == tmp_path / "ocpp-conformance"
    monkeypatch.setattr(page.sys, "platform", "darwin")
    assert cache_dir().parts[-3:] == ("Library", "Caches", "ocpp-conformance")


def test_the_shipped_lock_names_no_registry():
    lock = (page._SHIPPED / "package-lock.json").read_text(encoding="utf-8")
    package = json.loads((page._SHIPPED / "package.json").read_text(encoding="utf-8"))
    assert '"resolved"' not in lock
    locked = json.loads(lock)["packages"]
    assert locked["node_modules/allure"]["version"] == package["dependencies"]["allure"]
    assert all("integrity" in each for name, each in locked.items() if name)


@pytest.mark.skipif(
    "OCPP_CONFORMANCE_ALLURE" not in os.environ, reason="set OCPP_CONFORMANCE_ALLURE=1: needs Node and npm"
)
def test_allure_itself_renders_a_page(run_dir, monkeypatch):
    monkeypatch.delenv("OCPP_CONFORMANCE_CACHE", raising=False)
    html = render(run_dir).read_text(encoding="utf-8")
    assert "googletagmanager" not in html
    assert len(html) < 10_000_000
