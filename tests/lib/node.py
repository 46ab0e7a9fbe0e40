"""Clients from npm: installed once into build/, exactly as a package-lock.json says."""
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
    if not (folder / "node_modules").is_dir():
        begun = folder.with_name(f"{folder.name}.{os.getpid()}")
        begun.mkdir(parents=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, begun)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], begun)
        if folder.exists():
            shutil.rmtree(folder)
        begun.rename(folder)
    for script in source.glob("*.mjs"):
        shutil.copy(script, folder)
    return folder


def run(command, folder, **variables):
    """Runs a command that must end well; its output."""
    done = subprocess.run([str(word) for word in command], cwd=folder, text=True, errors="replace",
                          env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=INSTALL_SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-4000:]}"
    return done.stdout
