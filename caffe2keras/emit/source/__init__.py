"""KerasModel → a Python file that builds it, with the weights beside it."""
