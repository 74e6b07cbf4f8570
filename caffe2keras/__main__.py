"""``python -m caffe2keras``, and the console script."""

import sys

from caffe2keras.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
