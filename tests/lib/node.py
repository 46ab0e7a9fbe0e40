"""Clients from npm: installed once into build/, exactly as a package-lock.json says."""
import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "tests/faces/clients"
INSTALL_SECONDS = 300


def install(name, clients=CLIENTS):
    """The folder with the packages of tests/faces/clients/NAME and its scripts, which is made if it is not there."""
    source = clients / name
    lock = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = ROOT / "build" / "npm" / f"{name}-{lock}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f"{folder.name}.lock"), "w", encoding="ascii") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # tests of several files run at once
        if not (folder / "node_modules").is_dir():
            begun = folder.with_name(f"{folder.name}.begun")
            shutil.rmtree(begun, ignore_errors=True)
            begun.mkdir()
            for file in ("package.json", "package-lock.json"):
                shutil.copy(source / file, begun)
            run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], begun)
            shutil.rmtree(folder, ignore_errors=True)
            begun.rename(folder)
        for script in source.glob("*.mjs"):
            copy = folder / script.name
            if not copy.exists() or copy.read_bytes() != script.read_bytes():  # another test may run it just now
                shutil.copy(script, copy)
    return folder


def run(command, folder, **variables):
    """Runs a command that must end well; its output."""
    done = subprocess.run([str(word) for word in command], cwd=folder, text=True, errors="replace",
                          env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=INSTALL_SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-4000:]}"
    return done.stdout
