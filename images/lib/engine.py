"""Asks the Docker Engine through the docker command."""
import json
import subprocess

DEADLINE = 120  # seconds for a command in a container


class EngineError(Exception):
    """A docker command failed: its text is what the command said."""


def docker(*arguments, deadline=DEADLINE):
    """Runs a docker command and returns what it printed."""
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, errors="replace",
                              timeout=deadline, check=False)
    except FileNotFoundError:
        raise EngineError("there is no docker command: install it (./quickstart does it)") from None
    except subprocess.TimeoutExpired:
        raise EngineError(f"docker {arguments[0]}: no answer within {deadline} s") from None
    if done.returncode != 0:
        raise EngineError(done.stderr.strip() or f"docker {arguments[0]} ended with {done.returncode}")
    return done.stdout


def engine_answers():
    try:
        docker("version")
    except EngineError:
        return False
    return True


def inspect_image(name):
    """The engine's description of an image; None if it has no image of that name."""
    try:
        return json.loads(docker("image", "inspect", name))[0]
    except EngineError as error:
        if "no such image" in str(error).lower():
            return None
        raise


def run_locked(image, argv, environment, limits=None):
    """Runs a command in an image, locked down as in a cell. Returns (exit code, stdout, stderr)."""
    limits = limits or {}
    command = ["run", "--rm", "--read-only", "--network", "none", "--cap-drop", "ALL",
               "--security-opt", "no-new-privileges", "--user", "10000:10000",
               "--pids-limit", str(limits.get("processes", 64)), "--memory", f"{limits.get('memory_mb', 512) + 100}m",
               "--tmpfs", "/tmp:exec,nosuid,nodev,size=100m,mode=1777", "--workdir", "/tmp"]
    for name, value in {"HOME": "/tmp/work", **environment}.items():
        command += ["--env", f"{name}={value}"]
    command += ["--entrypoint", argv[0], image, *argv[1:]]
    try:
        done = subprocess.run(["docker", *command], capture_output=True, timeout=DEADLINE, check=False)
    except subprocess.TimeoutExpired:
        return 124, "", f"no answer within {DEADLINE} s"
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
