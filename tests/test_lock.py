"""The container installs what is pinned, by hashes; and the pins are what the project needs. scripts/lock makes them."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.serving import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(name):
    """Version and hashes of each package of a lock."""
    found = {}
    text = "".join(f"{line}\n" for line in (ROOT / name).read_text().splitlines() if not line.startswith("#"))
    for entry in text.replace("\\\n", " ").splitlines():
        requirement, *hashes = entry.split(" --hash=")
        pinned = Requirement(requirement)
        (one,) = pinned.specifier
        assert one.operator == "=="
        assert hashes, entry
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each.strip()) for each in hashes)
        found[canonicalize_name(pinned.name)] = one.version
    return found


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements-build.lock", PROJECT["build-system"]["requires"]),
    ],
)
def test_the_lock_has_what_the_project_needs(lock, wanted):
    """Run scripts/lock where this fails."""
    pinned = pins(lock)
    for each in map(Requirement, wanted):
        if each.marker is None or each.marker.evaluate({"python_version": "3.13", "python_full_version": "3.13.0"}):
            version = pinned.get(canonicalize_name(each.name))
            assert version is not None, f"{lock} lacks {each.name}"
            assert each.specifier.contains(version), f"{lock} has {each.name} {version}, and the project needs {each}"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_the_lock_names_no_place_to_fetch_from(lock):
    assert not re.search(r"://|--index|--find-links|@ ", (ROOT / lock).read_text())
