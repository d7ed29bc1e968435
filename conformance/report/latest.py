"""Where the newest run lies."""

import os
from pathlib import Path

_LATEST = "latest"


def point_latest(reports_dir: Path, run_dir: Path) -> Path:
    """Let `reports_dir/latest` lead to `run_dir`: a relative link, or a file with the name where links are not allowed.

    A folder called `latest` that somebody made is left alone. Raises OSError.
    """
    latest = reports_dir / _LATEST
    target = os.path.relpath(run_dir, reports_dir)
    if latest.is_dir() and not latest.is_symlink():
        return latest
    latest.unlink(missing_ok=True)
    try:
        latest.symlink_to(target, target_is_directory=True)
    except FileExistsError:  # another run came to its end at the same moment, and is as new
        return latest
    except (OSError, NotImplementedError):  # Windows without the right to make links, FAT, some network shares
        latest.write_text(Path(target).as_posix() + "\n", encoding="utf-8")
    return latest


def find_run(reports_dir: Path, name: str | None = None) -> Path:
    """The folder of a run: by name or path, or the newest one; raises FileNotFoundError."""
    if name is None or name == _LATEST:
        return _newest(reports_dir)
    for run in (reports_dir / name, Path(name)):
        if run.is_dir():
            return run
    there = ", ".join(sorted((each.name for each in _runs(reports_dir)), reverse=True)[:5]) or "nothing"
    raise FileNotFoundError(f"no run {name!r} in {reports_dir}; there is: {there}")


def _newest(reports_dir: Path) -> Path:
    latest = reports_dir / _LATEST
    if latest.is_dir():
        return latest.resolve()
    if latest.is_file():
        run = reports_dir / latest.read_text(encoding="utf-8").strip()
        if run.is_dir():
            return run
    runs = _runs(reports_dir)
    if not runs:
        raise FileNotFoundError(f"no run in {reports_dir}; make one with `ocpp-conformance run`, or name its folder")
    return max(runs, key=lambda run: ((run / "result.json").stat().st_mtime, run.name))


def _runs(reports_dir: Path) -> list[Path]:
    return [found.parent for found in reports_dir.glob("*/result.json") if found.parent.name != _LATEST]
