import os
from pathlib import Path

import pytest

from conformance.report.latest import find_run, point_latest


def run(reports, name):
    folder = reports / name
    folder.mkdir()
    (folder / "result.json").write_text("{}")
    return folder


@pytest.fixture
def no_links(monkeypatch):
    def refuse(*_args, **_options):
        raise OSError("A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)


def test_latest_leads_to_the_newest_run(tmp_path):
    for name in ("first", "second"):
        point_latest(tmp_path, run(tmp_path, name))
    assert find_run(tmp_path).name == "second"
    assert find_run(tmp_path, "latest").name == "second"
    assert find_run(tmp_path, "first").name == "first"
    assert find_run(tmp_path, str(tmp_path / "first")).name == "first"
    if (tmp_path / "latest").is_symlink():
        assert (tmp_path / "latest").readlink().name == "second"


@pytest.mark.usefixtures("no_links")
def test_latest_is_a_file_where_links_are_not_allowed(tmp_path):
    for name in ("first", "second"):
        latest = point_latest(tmp_path, run(tmp_path, name))
    assert latest.read_text().strip() == "second"
    assert find_run(tmp_path).name == "second"


def test_a_folder_called_latest_is_left_alone(tmp_path):
    (tmp_path / "latest").mkdir()
    point_latest(tmp_path, run(tmp_path, "first"))
    assert (tmp_path / "latest").is_dir()
    assert not (tmp_path / "latest").is_symlink()


def test_another_run_that_finishes_at_the_same_moment_wins(tmp_path, monkeypatch):
    def taken(self, *_args, **_options):
        raise FileExistsError(str(self))

    monkeypatch.setattr(Path, "symlink_to", taken)
    point_latest(tmp_path, run(tmp_path, "first"))
    assert not (tmp_path / "latest").is_file()


def test_without_a_usable_pointer_the_newest_result_counts(tmp_path):
    for number, name in enumerate(("old", "new")):
        os.utime(run(tmp_path, name) / "result.json", (number, number))
    (tmp_path / "latest").write_text("gone\n")
    assert find_run(tmp_path).name == "new"


def test_no_run_says_where_was_looked(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run in"):
        find_run(tmp_path)
    run(tmp_path, "first")
    with pytest.raises(FileNotFoundError, match=r"no run 'other' in .*; there is: first"):
        find_run(tmp_path, "other")
    with pytest.raises(FileNotFoundError, match="there is: nothing"):
        find_run(tmp_path / "nowhere", "other")
