"""What setup.cfg cannot say: where the sources are, in a checkout and in a source archive.

In a checkout they are two folders up, beside the converter's. An archive cannot reach beyond its
own folder, so they are copied into it.
"""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
UNPACKED = (HERE / "caffe2keras").is_dir()
CHECKOUT = HERE.parents[1]


class SelfContained(sdist):
    """A source archive with the runtime in it."""

    def make_release_tree(self, base_dir, files):
        """Lay out what is archived."""
        own = [name for name in files if not name.startswith("..")]
        super().make_release_tree(base_dir, own)
        root = HERE if UNPACKED else CHECKOUT
        for source in sorted((root / "caffe2keras" / "runtime").rglob("*.py")):
            target = Path(base_dir, source.relative_to(root))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(source), str(target))


def version():
    """The converter's; an archive says it of itself."""
    if UNPACKED:
        return re.search(r"^Version: (.+)$", (HERE / "PKG-INFO").read_text(), re.M).group(1)
    text = (CHECKOUT / "caffe2keras" / "__init__.py").read_text()
    return re.search(r'^__version__ = "(.+)"$', text, re.M).group(1)


setup(
    version=version(),
    package_dir={"": "." if UNPACKED else "../.."},
    cmdclass={"sdist": SelfContained},
)
