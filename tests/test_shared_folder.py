"""The folder in which processes count together: one for each service, and none left behind for long."""

import os
import tempfile
import time

import pytest

from service.processes import shared_folder
from service.processes.shared_folder import SharedFolder
from service.settings import BadSetting


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_folder, "MEMORY", tmp_path)
    return tmp_path


def grow_old(folder):
    then = time.time() - 2 * shared_folder.YOUNG
    os.utime(folder, (then, then))


def test_what_a_killed_service_left_is_removed_by_the_next(root):
    living, killed, young = SharedFolder(), SharedFolder(), SharedFolder()
    for each in (killed, young):
        os.close(each.owner)  # as the system does when a process ends, however it ends
    for each in (living, killed):
        grow_old(each.path)
    (root / "of-somebody-else").mkdir()
    grow_old(root / "of-somebody-else")
    mine = SharedFolder()
    assert {each.name for each in root.iterdir()} == {living.path.name, young.path.name, mine.path.name, "of-somebody-else"}
    for each in (living, mine):
        each.remove()
        assert not each.path.exists()


def test_only_what_a_process_had_while_it_lived_is_forgotten(root):
    folder = SharedFolder()
    for name in ("counter_server-0.db", "gauge_livesum_server-0.db", "gauge_livesum_server-01.db", "histogram_server-0.db"):
        (folder.path / name).write_text("")
    folder.forget_living("server-0")
    left = {each.name for each in folder.path.glob("*.db")}
    assert left == {"counter_server-0.db", "gauge_livesum_server-01.db", "histogram_server-0.db"}
    folder.remove()


def test_no_room_for_temporary_files_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(shared_folder, "MEMORY", tmp_path / "nothing")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nothing"))
    with pytest.raises(BadSetting, match="TMPDIR"):
        SharedFolder()
