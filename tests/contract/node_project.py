"""The node project beside this file: installed once for each lock, into the checkout's cache."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = Path(__file__).parent / "node"
INSTALLED_FROM = ("package.json", "package-lock.json", ".npmrc")
INSTALL_S_MAX = 300
RUN_S_MAX = 60


def run_node(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script where it finds the project's packages, and return how it ended.

    Skips the test on a machine without node.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not on PATH; AsyncAPI's parser and kafkajs need them")
    # A script finds packages beside itself, and nothing may be installed in the tree.
    with tempfile.TemporaryDirectory(dir=_installed(npm)) as beside:
        copy = shutil.copy(script, beside)
        return subprocess.run([node, copy, *arguments], capture_output=True, text=True, timeout=RUN_S_MAX, check=False)


def _installed(npm: str) -> Path:
    """Return the folder with the packages of the lock, installing them the first time."""
    texts = [(PROJECT / name).read_bytes() for name in INSTALLED_FROM]
    home = ROOT / ".cache" / f"contract-node-{hashlib.sha256(b''.join(texts)).hexdigest()[:12]}"
    if not home.exists():
        home.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as beside:
            place = Path(beside) / home.name
            place.mkdir()
            for name, text in zip(INSTALLED_FROM, texts, strict=True):
                (place / name).write_bytes(text)
            done = subprocess.run(
                [npm, "ci"], cwd=place, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False
            )
            assert done.returncode == 0, f"npm ci failed:\n{done.stderr}"
            # Whole or not at all, also for a run that was stopped or that another one overtook.
            if not home.exists():
                place.rename(home)
    return home
