"""A PostgreSQL of one's own, on the loopback interface, for as long as a test needs it."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER, ORDINARY_USERS = "proofolio", ("postgres", "nobody")


def programs() -> Path | None:
    """The folder of initdb and pg_ctl; Debian keeps it out of the search path."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


def _ordinary_user() -> pwd.struct_passwd | None:
    """Who runs PostgreSQL, which does not run as root; None for whoever runs the tests."""
    if os.geteuid():
        return None
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    found = [users[name] for name in ORDINARY_USERS if name in users]
    if not found or not shutil.which("setpriv"):
        pytest.skip("PostgreSQL does not run as root, and there is no setpriv or no other user to run it")
    return found[0]


@contextmanager
def cluster() -> Iterator[str]:
    """The URL of an empty database, with its password. Skips the test where PostgreSQL is not installed."""
    place = programs()
    if place is None:
        pytest.skip("initdb of PostgreSQL is not installed (Debian: postgresql)")
    pytest.importorskip("psycopg", reason="psycopg is not installed (the extra `postgresql`)")
    user, folder, password = _ordinary_user(), Path(tempfile.mkdtemp(prefix="proofolio-")), secrets.token_hex(8)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, secret = folder / "data", folder / "password"
    secret.write_text(password)
    as_user: list[str] = []
    if user is not None:
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        for path in (folder, secret):
            os.chown(path, user.pw_uid, user.pw_gid)

    def run(*command: str | Path) -> None:
        subprocess.run(
            [*as_user, *map(str, command)], check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
    control = (place / "pg_ctl", "-D", data, "-w")
    try:
        run(place / "initdb", "-D", data, "-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync")
        run(*control, "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://{USER}:{password}@127.0.0.1:{port}/postgres"
        finally:
            run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
