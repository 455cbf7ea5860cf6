"""Keys: made, hashed, read from the settings and found again; and without them nobody beyond this machine is served."""

import json
import os
import re
import shutil
import subprocess
import time
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

import service.keys
from service.access.exposure import is_loopback, refuse_exposure
from service.access.keyring import AGAIN, LOOK, WITHIN
from service.keys import Client, entry_of, make_key, read_keys
from service.settings import BadSetting, Settings
from tests.documents import with_verigrad
from tests.job_system import wait_for
from tests.serving import PATIENCE, ROOT, SERVE, Served, environment, free_port

KEY, OTHER, THIRD = make_key(), make_key(), make_key()
HASH = sha256(KEY.encode()).hexdigest()
ENTRY = f"ada:grade:{HASH}"
PAGE = (ROOT / "docs" / "keys.md").read_text()


def test_a_key_is_long_random_and_fit_for_a_header():
    assert KEY != OTHER
    assert re.fullmatch(r"verigrad_[A-Za-z0-9_-]{43}", KEY)
    assert entry_of("ada", "grade", KEY) == ENTRY


def client_of(keys, key):
    entry = keys.find(key)
    return entry and entry.client


def test_keys_are_found_again():
    keys = read_keys(f"{ENTRY}, bob:compute:{sha256(OTHER.encode()).hexdigest().upper()},\n ada:grade:{'0' * 64}")
    assert client_of(keys, KEY.encode()) == Client("ada", "grade")
    assert client_of(keys, OTHER.encode()) == Client("bob", "compute")
    for wrong in (b"", THIRD.encode(), KEY.encode()[:-1], KEY.encode() + b" ", HASH.encode(), KEY.upper().encode()):
        assert client_of(keys, wrong) is None


def test_no_keys():
    assert not read_keys("")
    assert not read_keys(" ")
    assert read_keys(ENTRY)
    assert client_of(read_keys(""), KEY.encode()) is None


@pytest.mark.parametrize("key", ["hunter2", "x" * 31, "x" * 513])
def test_a_key_that_can_be_guessed_is_refused(key):
    assert client_of(read_keys(entry_of("ada", "admin", key)), key.encode()) is None
    assert client_of(read_keys(entry_of("ada", "admin", "x" * 32)), b"x" * 32)


@pytest.mark.parametrize("asked", [KEY, OTHER, "unknown" * 6], ids=["the first", "the last", "none"])
def test_every_hash_is_compared_in_constant_time(monkeypatch, asked):
    compared = []

    def spy(known, given):
        compared.append((known, given))
        return known == given

    monkeypatch.setattr(service.keys, "compare_digest", spy)
    entries = [entry_of("first", "grade", KEY), f"mid:grade:{'1' * 64}", entry_of("last", "grade", OTHER)]
    client_of(read_keys(",".join(entries)), asked.encode())
    assert [known for known, _ in compared] == [bytes.fromhex(entry.rpartition(":")[2]) for entry in entries]
    assert {given for _, given in compared} == {sha256(asked.encode()).digest()}


@pytest.mark.parametrize(
    ("scope", "allowed"), [("grade", ["grade"]), ("compute", ["grade", "compute"]), ("admin", ["grade", "compute", "admin"])]
)
def test_scopes(scope, allowed):
    client = Client("ada", scope)
    assert [least for least in ("grade", "compute", "admin") if client.may(least)] == allowed
    assert client.sees_answers == (scope != "grade")


BAD = {
    "a key alone": (KEY, "entry 1 must be name:scope:hash"),
    "no name": (f"grade:{HASH}", "entry 1 must be name:scope:hash"),
    "a fourth part": (f"{ENTRY}:x", "entry 1 must be name:scope:hash"),
    "nothing after the comma": (f"{ENTRY},", "entry 2 must be name:scope:hash"),
    "scope": (f"{ENTRY},bob:write:{'2' * 64}", "the scope of entry 2 must be grade, compute or admin"),
    "scope in capitals": (f"ada:Grade:{HASH}", "the scope of entry 1 must be grade, compute or admin"),
    "the key for its hash": (f"ada:grade:{KEY}", "the hash of entry 1 must be a SHA-256 in 64 hexadecimal digits"),
    "a digit less": (f"ada:grade:{HASH[1:]}", "the hash of entry 1 must be a SHA-256 in 64 hexadecimal digits"),
    "digits of another alphabet": (f"ada:grade:{'٣' * 64}", "the hash of entry 1 must be a SHA-256"),
    "an empty name": (f":grade:{HASH}", "the name of entry 1 must be 1 to 64 letters"),
    "a name for a log to stumble over": (f"a\nb:grade:{HASH}", "the name of entry 1 must be 1 to 64 letters"),
    "a long name": (f"{'a' * 65}:grade:{HASH}", "the name of entry 1 must be 1 to 64 letters"),
    "nobody's name": (f"anonymous:grade:{HASH}", "the name of entry 1 is that of clients without a key"),
    "the hash of nothing": (f"ada:grade:{sha256(b'').hexdigest()}", "the hash of entry 1 is that of an empty key"),
    "one key for two": (f"{ENTRY},bob:grade:{HASH}", "entry 2 has the same hash as one before it"),
    "one name, two scopes": (f"{ENTRY},ada:admin:{'2' * 64}", "entry 2 has the name of one before it, but another scope"),
}


@pytest.mark.parametrize(("text", "sentence"), BAD.values(), ids=BAD)
def test_bad_setting_is_told_without_repeating_it(text, sentence, monkeypatch):
    monkeypatch.setenv("VERIGRAD_KEYS", text)
    with pytest.raises(BadSetting) as raised:
        Settings.from_environment()
    message = str(raised.value)
    assert message.startswith(f"VERIGRAD_KEYS: {sentence}")
    with pytest.raises(ValueError, match="entry") as direct:
        Settings(keys=text)
    for told in (message, str(direct.value)):
        for part in re.split("[:,]", text):
            assert len(part) < 10 or part not in told
            assert len(part) < 10 or part[:8] not in told


def test_settings_do_not_show_hashes():
    settings = Settings(keys=ENTRY)
    assert settings.keys == ENTRY
    shown = repr(settings) + str(settings) + repr(read_keys(ENTRY).entries)
    assert HASH not in shown
    assert repr(bytes.fromhex(HASH)) not in shown


def refused(*arguments, **variables):
    return subprocess.run(
        [*SERVE, *arguments], env=environment(**variables), capture_output=True, text=True, timeout=PATIENCE
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "0"])
def test_without_keys_nobody_beyond_this_machine_is_served(host):
    done = refused("--host", host, "--port", "0")
    assert done.returncode == 2
    assert "Verigrad listens" not in done.stdout
    assert f"'{host}' reaches beyond it: make one with `verigrad keys create`" in done.stderr
    assert "VERIGRAD_ALLOW_ANONYMOUS=true" in done.stderr
    assert "Traceback" not in done.stderr


def test_bad_keys_stop_the_start():
    done = refused(VERIGRAD_KEYS=f"ada:grade:{KEY}")
    assert done.returncode == 2
    assert "VERIGRAD_KEYS: the hash of entry 1 must be" in done.stderr
    assert KEY[:12] not in done.stderr + done.stdout


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "127.1", "localhost", "::1"])
def test_loopback(host):
    assert is_loopback(host)
    refuse_exposure(Settings(host=host), False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "0", "192.0.2.1", "2001:db8::1", "no-such-host.invalid", "x" * 300])
def test_beyond_loopback(host):
    assert not is_loopback(host)
    with pytest.raises(BadSetting):
        refuse_exposure(Settings(host=host), False)
    with pytest.raises(BadSetting):
        refuse_exposure(Settings(host=host, keys=" "), False)
    refuse_exposure(Settings(host=host, keys=ENTRY), False)
    refuse_exposure(Settings(host=host), True)
    refuse_exposure(Settings(host=host, allow_anonymous=True), False)


def test_no_container_is_open_to_anybody_unless_it_is_told():
    (host,) = re.findall(r"VERIGRAD_HOST=(\S+)", (ROOT / "Dockerfile").read_text())
    with pytest.raises(BadSetting):
        refuse_exposure(Settings(host=host), False)
    refuse_exposure(Settings(host=host, allow_anonymous=True), False)
    for name in ("docker-compose.yml", "compose.sqlite.yml"):
        compose = (ROOT / name).read_text()
        assert "${VERIGRAD_KEYS:-}" in compose
        assert "ALLOW_ANONYMOUS" not in compose
        assert "${PUBLISH:-127.0.0.1:8000}:8000" in compose


def run(command, **variables):
    """A line that is printed or documented, by a shell."""
    return subprocess.run(["sh", "-c", command], env=environment(**variables), capture_output=True, text=True, cwd=ROOT)


@pytest.mark.skipif(not shutil.which("curl"), reason="the page's line needs curl")
def test_the_page_is_true(tmp_path):
    """From the first key to the last, with a service that runs all the time."""
    make, use, show, entry = re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)
    (revoke,) = re.findall(r"^    (verigrad keys revoke) [0-9a-f]{12}$", PAGE, flags=re.MULTILINE)
    path = f"{with_verigrad(tmp_path)}{os.pathsep}{os.environ['PATH']}"
    data = {"VERIGRAD_DATA_DIR": str(tmp_path / "data"), "PATH": path}
    fixed = json.loads(run(entry, **data).stdout)
    assert fixed["entry"] == entry_of("notebook", "compute", fixed["key"])
    with Served("--port", str(free_port()), VERIGRAD_KEYS=fixed["entry"], **data) as served:
        ask = lambda key: json.loads(run(use.replace("http://127.0.0.1:8000", served.address), VERIGRAD_KEY=key).stdout)
        first, second = (json.loads(run(make, **data).stdout) for _ in range(2))
        time.sleep(AGAIN)  # after a key that was not known, others are looked for a second later
        for each in (first, second, fixed):
            assert ask(each["key"])["score"] == 1
        assert run(f"{revoke} {first['id']}", **data).returncode == 0
        wait_for(lambda: ask(first["key"]).get("type") == "/problems/no-key", "the key to be revoked", 2 * WITHIN)
        assert ask(second["key"])["score"] == 1
        listed = json.loads(run(show, **data, VERIGRAD_KEYS=fixed["entry"]).stdout)["keys"]
        assert [(key["name"], key.get("revoked_at") is None) for key in listed] == [
            ("notebook", True),
            ("CS101 Gradescope", False),
            ("CS101 Gradescope", True),
        ]


def test_the_page_tells_the_times():
    assert f"within {WITHIN} seconds" in PAGE.lower()
    assert f"reads this table every {LOOK:g} seconds" in PAGE
    assert LOOK < WITHIN - 1


def test_no_key_or_hash_reaches_the_output_of_the_service(tmp_path):
    errors = tmp_path / "errors"
    with (
        errors.open("w") as log,
        Served("--port", "0", VERIGRAD_KEYS=f"{ENTRY},bob:compute:{'a' * 64}", errors=log) as served,
    ):
        assert served.curl.endswith('-H "authorization: Bearer $VERIGRAD_KEY"')
        with httpx.Client(base_url=served.address, trust_env=False) as client:
            for key in (KEY, OTHER, HASH):
                headers = {"authorization": f"Bearer {key}", "x-request-id": f"of-{key[-4:]}"}
                for path in ("/v1/grade", "/v1/gradients", "/nothing"):
                    answer = client.post(path, json={}, headers=headers)
                    assert answer.status_code in (401, 403, 404, 422)
                    assert key not in answer.text + str(answer.headers)
        served.process.terminate()
        output = "".join(served.lines) + served.process.communicate(timeout=PATIENCE)[0] + Path(log.name).read_text()
    assert f"request of-{OTHER[-4:]} from 127.0.0.1 was turned away: this key is not known here" in output
    for secret in (KEY, OTHER, HASH, "a" * 64):
        assert secret not in output


def test_the_printed_line_works_with_a_key():
    with Served("--port", "0", VERIGRAD_KEYS=entry_of("bob", "compute", KEY)) as served:
        if shutil.which("curl"):
            assert '"certificate"' in run(served.curl, VERIGRAD_KEY=KEY).stdout
        assert httpx.post(f"{served.address}/v1/gradients", json={}, trust_env=False).status_code == 401
    assert "VERIGRAD_KEY" not in os.environ
