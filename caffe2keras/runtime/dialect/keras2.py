"""``keras`` as the layers speak of it, made of what Keras 2 has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

__all__ = [
    "Names",
    "NeedsKeras3",
    "NeedsKeras3Error",
    "Operations",
    "SeedGenerator",
    "serializable",
    "training_words",
]

_NEED = "needs Keras 3"
_INSTEAD = (
    "Take an environment with Keras 3; or leave out what only trains: convert the net in phase "
    "TEST, or load the model with compile=False"
)


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
    """``keras.ops`` as far as tables of ours have it.

    Args:
        *tables: the modules; ``__all__`` says what each has.
    """

    def __init__(self, *tables: Any) -> None:
        for table in tables:
            self.__dict__.update({name: getattr(table, name) for name in table.__all__})

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"Keras 2 has no ops.{name}: what asks for it {_NEED}")


class NeedsKeras3Error(NotImplementedError):
    """Something of ours was asked for that does not run in Keras 2."""

    def __init__(self, name: str) -> None:
        # tf.keras makes the error of a layer anew, of the same class, with its own words around it.
        super().__init__(name if _NEED in name else f"{name} {_NEED}. {_INSTEAD}")


class NeedsKeras3:
    """In place of what Keras 2 has in another form; it can be inherited from, but not made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NeedsKeras3Error(type(self).__name__)

    @classmethod
    def from_config(cls, *args: Any, **kwargs: Any) -> Any:
        """As when it is made."""
        raise NeedsKeras3Error(cls.__name__)


class SeedGenerator:
    """A seed, which Keras 3 draws from and Keras 2 is handed."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed


def serializable(register: Any) -> Any:
    """``register_keras_serializable``.

    Args:
        register: (package, class or function) -> None.
    """

    def of_package(package: str) -> Any:
        def mark(thing: Any) -> Any:
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
