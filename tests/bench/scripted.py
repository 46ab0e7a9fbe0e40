"""The scripted engine (scripted_engine.py) in a process of its own."""
import subprocess
import sys
import tempfile
from pathlib import Path

import codecell


class ScriptedEngine:
    """With these languages' images: `with ScriptedEngine("python") as engine`, and `engine.host` is its DOCKER_HOST."""

    def __init__(self, *languages):
        self.images = [f"codecell/{language}" for language in languages or ["bash"]]
        self.folder = tempfile.TemporaryDirectory(prefix="codecell-engine-")
        self.path = Path(self.folder.name) / "engine.sock"
        self.host = f"unix://{self.path}"

    def __enter__(self):
        script = Path(__file__).resolve().with_name("scripted_engine.py")
        self.process = subprocess.Popen([sys.executable, script, self.path, *self.images])
        codecell.wait_for("the scripted engine", self.path.exists)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()
