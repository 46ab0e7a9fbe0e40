"""The Python client as users get it: a wheel, unpacked; and programs that use it."""
import os
import shutil
import subprocess
import sys
import zipfile

from codecell import ROOT


def build_library(folder):
    """Where the package is, below `folder`."""
    shutil.copytree(ROOT / "clients/python", folder / "source")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index",
                    "-w", folder, folder / "source"], check=True, capture_output=True, timeout=300)
    with zipfile.ZipFile(next(folder.glob("codecell-*-py3-none-any.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def environment(library, url, key="cc_none", **more):
    return {**os.environ, "PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1", "CODECELL_URL": url,
            "CODECELL_KEY": key, **more}


def run_python(library, *arguments, url, key="cc_none", **more):
    done = subprocess.run([sys.executable, *map(str, arguments)], env=environment(library, url, key, **more),
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
