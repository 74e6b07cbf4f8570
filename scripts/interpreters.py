"""Which Pythons are on this machine, for the scripts that need one of a certain version."""

import glob
import os
import shutil
import subprocess
from pathlib import Path


def find_interpreter(version: str) -> "Path | None":
    """A Python of this version that can make environments: from the PATH, else one of pyenv's."""
    found = shutil.which(f"python{version}")
    others = glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python"))
    for candidate in filter(None, [found, *sorted(others)]):
        probe = [candidate, "-c", "import ensurepip, venv"]
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return Path(candidate)
    return None
