"""``keras`` as the layers speak of it, made of what Keras 2 has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

__all__ = ["Names", "NeedsKeras3", "Operations", "SeedGenerator", "serializable", "training_words"]


class Names:
    """A module's names, some of them replaced.

    Args:
        module: where all others are looked up.
        **own: the replaced ones.
    """

    def __init__(self, module: Any, **own: Any) -> None:
        self.__dict__.update(own)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


class Operations:
    """``keras.ops`` as far as a table of ours has it.

    Args:
        table: the module.
    """

    def __init__(self, table: Any) -> None:
        self._table = table

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(self._table, name)
        except AttributeError:
            raise AttributeError(
                f"{self._table.__name__} has no {name}: the layer that asks for it needs Keras 3"
            ) from None


class NeedsKeras3:
    """In place of what Keras 2 has in another form; it can be inherited from, but not made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            f"{type(self).__name__} needs Keras 3: in Keras 2 what it is made of is another"
        )


class SeedGenerator:
    """A seed, which Keras 3 draws from and Keras 2 is handed."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed


def serializable(register: Any) -> Any:
    """``register_keras_serializable``, which leaves what needs Keras 3 alone.

    Args:
        register: (package, class or function) -> None.
    """

    def of_package(package: str) -> Any:
        def mark(thing: Any) -> Any:
            if not (isinstance(thing, type) and issubclass(thing, NeedsKeras3)):
                register(package, thing)
            return thing

        return mark

    return of_package


def training_words(keras: Any) -> dict[str, Any]:
    """The names of what trains, which Keras 2 has in another form."""
    schedules = SimpleNamespace(LearningRateSchedule=NeedsKeras3)
    return {
        "optimizers": Names(keras.optimizers, Optimizer=NeedsKeras3, schedules=schedules),
        "losses": Names(keras.losses, Loss=NeedsKeras3),
        "metrics": Names(keras.metrics, Metric=NeedsKeras3),
    }
