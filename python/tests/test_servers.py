"""The client of a module in real servers, which fork their workers or run subinterpreters."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

import tokenlease

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Emulator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the servers need Unix")

# The folder in which the package is installed.
PACKAGES = str(Path(tokenlease.__file__).parent.parent)
MODULES = Path("/usr/lib/apache2/modules")

APPLICATION = """
import json, os, tokenlease
client = tokenlease.Client(**json.loads(OPTIONS))
if ASK:
    client.token()
def application(environ, start_response):
    try:
        token = client.token()
        if environ["PATH_INFO"] == "/report":
            rejection = client.report_rejected(token)
            token = rejection.token if isinstance(rejection, tokenlease.Replaced) else token
        status, body = "200 OK", f"{os.getpid()} {client.validate(token)}"
    except Exception as error:
        status, body = "500 Error", repr(error)
    start_response(status, [("Content-Type", "text/plain")])
    return [body.encode()]
"""


def application(folder: Path, options: dict[str, object], *, ask: bool) -> Path:
    """Write the application. It asks for a token when it is imported if `ask` is set."""
    head = f"OPTIONS = {json.dumps(options)!r}\nASK = {ask}\n"
    path = folder / "application.py"
    path.write_text(head + APPLICATION)
    return path


@contextmanager
def server(command: list[str], address: str, folder: Path) -> Iterator[str]:
    """Run a server that prints its port, and return its address."""
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{PACKAGES}"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=environment, cwd=folder
    ) as program:
        assert program.stdout is not None
        try:
            lines = []
            for line in program.stdout:
                lines.append(line)
                if found := re.search(address, line):
                    break
            else:
                raise AssertionError(lines)
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            program.terminate()
            # No worker hangs at its end.
            program.communicate(timeout=60)


def ask(address: str, times: int) -> set[str]:
    """Send requests, and return the workers that answered."""
    workers = set()
    for _ in range(times):
        with urlopen(address, timeout=60) as answer:
            worker, valid = answer.read().decode().split()
            assert valid == "True"
            workers.add(worker)
    return workers


def check(emulator: Emulator, provider: str, address: str, *, asked: bool) -> None:
    """Check that the workers have the parent's token, and get another one when that ended."""
    assert ask(address, 30)
    if asked:
        counts = emulator.control("counts")[provider]
        assert (counts["login"], counts.get("authenticate", 0)) == (1, 0), counts
    emulator.end_tokens()
    assert ask(f"{address}/report", 30)


# Rule: Fork: the client of a module works in each worker of gunicorn, with `--preload` and without.
@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("preload", [True, False])
def test_gunicorn(
    emulator: Emulator, provider: str, tmp_path: Path, *, preload: bool, asked: bool
) -> None:
    application(tmp_path, emulator.options(provider), ask=asked)
    command = [sys.executable, "-m", "gunicorn", "-w", "3", "-b", "127.0.0.1:0"]
    # The last gunicorn for Python 3.9 has no control socket.
    command += ["--no-control-socket"] * (version("gunicorn") != "23.0.0")
    command += [*(["--preload"] * preload), "application:application"]
    with server(command, r"Listening at: http://127\.0\.0\.1:(\d+)", tmp_path) as address:
        check(emulator, provider, address, asked=asked and preload)


# Rule: Fork: the client of a module works in each worker of uWSGI, which forks without telling Python.
@pytest.mark.parametrize("lazy", [True, False])
def test_uwsgi(emulator: Emulator, provider: str, tmp_path: Path, *, lazy: bool) -> None:
    program = shutil.which("uwsgi_python3")
    if program is None:
        pytest.skip("skipped: uwsgi_python3 is not installed")
    application(tmp_path, emulator.options(provider), ask=True)
    command = [program, "--http-socket", "127.0.0.1:0", "--master", "--processes", "3"]
    command += ["--enable-threads", "--die-on-term", *(["--lazy-apps"] * lazy)]
    command += ["--pythonpath", str(tmp_path), "--pythonpath", PACKAGES]
    command += ["--module", "application"]
    bound = r"bound to TCP address 127\.0\.0\.1:(\d+)"
    with server(command, bound, tmp_path) as address:
        check(emulator, provider, address, asked=not lazy)


TASKS = """
import json, os, celery, tokenlease
client = tokenlease.Client(**json.loads(OPTIONS))
if os.environ.get("ASK"):
    client.token()
app = celery.Celery("tasks", broker="filesystem://", backend="file://" + FOLDER + "/results")
app.conf.broker_transport_options = {
    "data_folder_in": FOLDER + "/queue",
    "data_folder_out": FOLDER + "/queue",
    "control_folder": FOLDER + "/control",
}
@app.task
def work(report):
    token = client.token()
    if report:
        rejection = client.report_rejected(token)
        token = rejection.token if isinstance(rejection, tokenlease.Replaced) else token
    return os.getpid(), client.validate(token)
"""

DRIVER = """
import sys, tasks
sent = [tasks.work.delay(sys.argv[1] == "report") for _ in range(20)]
assert all(task.get(timeout=60)[1] for task in sent)
"""


# Rule: Fork: the client of a module works in each worker of Celery's prefork pool.
def test_celery_prefork(emulator: Emulator, provider: str, tmp_path: Path) -> None:
    for folder in ("queue", "results", "control"):
        (tmp_path / folder).mkdir()
    head = f"OPTIONS = {json.dumps(emulator.options(provider))!r}\nFOLDER = {str(tmp_path)!r}\n"
    (tmp_path / "tasks.py").write_text(head + TASKS)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "C_FORCE_ROOT": "1"}
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "ERROR"]
    pool = ["worker", "-P", "prefork", "-c", "2", *quiet]
    command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "tasks", *pool]
    drive = [sys.executable, "-W", "ignore", "-c", DRIVER]
    asking = {**environment, "ASK": "1"}
    with subprocess.Popen(
        command, env=asking, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as worker:
        try:
            run = partial(subprocess.run, env=environment, cwd=tmp_path, timeout=90, check=True)
            run([*drive, "ask"])
            assert emulator.logins(provider) == 1
            emulator.end_tokens()
            run([*drive, "report"])
        finally:
            worker.terminate()
            worker.wait(60)


APACHE = """
ServerName localhost
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ErrorLog {folder}/error.log
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule wsgi_module {modules}/mod_wsgi.so
WSGISocketPrefix {folder}/wsgi
WSGIDaemonProcess application processes=2 threads=4 python-path={packages}
WSGIProcessGroup application
{group}
WSGIScriptAlias / {folder}/application.py
<Directory {folder}>
Require all granted
</Directory>
{user}
"""


@contextmanager
def apache(folder: Path, group: str) -> Iterator[str]:
    """Run Apache with mod_wsgi until it is ended, and return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    folder.chmod(0o755)
    configuration = APACHE.format(
        folder=folder, port=port, modules=MODULES, packages=PACKAGES, group=group, user=user
    )
    (folder / "apache.conf").write_text(configuration)
    command = ["/usr/sbin/apache2", "-DFOREGROUND", "-f", str(folder / "apache.conf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as program:
        try:
            while program.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=60).close()
                    break
                except ConnectionRefusedError:
                    pass
            yield f"http://127.0.0.1:{port}"
        finally:
            program.terminate()
            program.wait(60)


# Rule: Languages: in mod_wsgi, tokenlease works in the main interpreter, and a subinterpreter gets an
# error that names the directive to set.
# Reported as GrahamDumpleton/mod_wsgi#940
@pytest.mark.parametrize("is_main", [True, False])
def test_mod_wsgi(emulator: Emulator, provider: str, *, is_main: bool) -> None:
    if not (MODULES / "mod_wsgi.so").exists():
        pytest.skip("skipped: mod_wsgi is not installed")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        application(folder, emulator.options(provider), ask=False)
        group = "WSGIApplicationGroup %{GLOBAL}" if is_main else ""
        with apache(folder, group) as address:
            if is_main:
                assert ask(address, 20)
            else:
                with pytest.raises(HTTPError), urlopen(address, timeout=60):
                    pass
        log = (folder / "error.log").read_text()
        # The directive is named, and no process had to be killed at its end.
        assert ("set `WSGIApplicationGroup" in log) != is_main, log
        assert "SIGKILL" not in log, log
