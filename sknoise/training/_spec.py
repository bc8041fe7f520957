"""The static facts that a training program is compiled for; all else is a run-time input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sknoise.training._types import Network, Optimizer, Task

# Keras optimizers that act element by element, and so train a stack as they train one network.
ELEMENTWISE_OPTIMIZERS = frozenset(
    {
        "adadelta",
        "adagrad",
        "adam",
        "adamax",
        "adamw",
        "ftrl",
        "lion",
        "nadam",
        "rmsprop",
        "sgd",
    }
)
# Arguments of Keras optimizers that look at more than one element, or at more than one step.
_COUPLING_ARGUMENTS = (
    "clipnorm",
    "global_clipnorm",
    "gradient_accumulation_steps",
    "loss_scale_factor",
    "use_ema",
)

# Validation data is passed through the network in blocks of this many rows.
VALIDATION_BLOCK = 4096


def reason_against_compiling(optimizer: Optimizer) -> str | None:
    """Say why the compiled program cannot use this optimizer; None where it can."""
    if optimizer.name.lower() not in ELEMENTWISE_OPTIMIZERS:
        return (
            f"the optimizer {optimizer.name!r} does not act element by element, as "
            f"{', '.join(sorted(ELEMENTWISE_OPTIMIZERS))} do"
        )
    for name, value in optimizer.arguments.items():
        if name in _COUPLING_ARGUMENTS and value:
            return f"the optimizer's {name}={value!r} does not act element by element"
    return None


@dataclass(frozen=True)
class Spec:
    """Static facts of one program.

    Parameters
    ----------
    network : Network
        Each layer is as wide as that of the widest network of the stack.
    optimizer : Optimizer
    noisy : tuple of bool
        Which sites get noise; one that is off costs nothing.
    masked : tuple of bool
        Which sites have units that some of the networks are without.
    n_networks : int
        Height of the stack.
    n_sources : int
        Number of sources: data with the key of the draws. Networks with the same source
        share its draws; where there are as many sources as networks, each has its own.
    n_rows, n_validation_rows : int
        Numbers of rows, padded to one of a few sizes; 0 is no validation.
    batch_size : int
        Number of rows in a step, padded; n_rows where one step takes all.
    shuffle : bool
        Whether each epoch draws new minibatches.
    """

    network: Network
    optimizer: Optimizer
    noisy: tuple[bool, ...]
    masked: tuple[bool, ...]
    n_networks: int
    n_sources: int
    n_rows: int
    n_validation_rows: int
    batch_size: int
    shuffle: bool

    @property
    def noise_sites(self) -> list[tuple[int, int]]:
        """Number and width of each site that gets noise."""
        sizes = self.network.sizes[:-1]
        return [(i, sizes[i]) for i, on in enumerate(self.noisy) if on]

    @property
    def full_batch(self) -> bool:
        """Whether one step takes all rows."""
        return self.batch_size == self.n_rows


def padded(n_rows: int) -> int:
    """Round a number of rows up, so that a few programs serve all sizes.

    At least 8, above that four sizes from one power of two to the next.
    """
    if n_rows <= 8:
        return 8
    grain = 2 ** max((n_rows - 1).bit_length() - 3, 0)
    return -(-n_rows // grain) * grain


def seats(n_networks: int) -> int:
    """Round a number of networks up, so that a few programs serve all sizes."""
    return n_networks if n_networks <= 8 else padded(n_networks)


def shared_facts(task: Task) -> tuple[object, ...]:
    """Give what the tasks of a stack must agree in."""
    network, state = task.model.network, task.model.state
    return (
        network.activation,
        network.output,
        network.sizes[-1],
        len(network.sizes),
        task.model.optimizer,
        state.n_epochs,
        state.n_steps,
        bool(state.optimizer),
        task.validation is None,
        task.n_batches,
        # One step that takes all rows has no size to agree in.
        (task.batch_size, task.shuffle) if task.n_batches > 1 else None,
    )


def spec_of(tasks: Sequence[Task], n_sources: int | None = None) -> Spec:
    """Give the static facts of a stack of tasks that agree in their shared facts.

    Parameters
    ----------
    tasks : sequence of Task
    n_sources : int or None, default=None
        Number of sources; None is one for each network.

    Returns
    -------
    Spec
    """
    first = tasks[0]
    networks = [task.model.network for task in tasks]
    sizes = tuple(max(widths) for widths in zip(*(n.sizes for n in networks), strict=True))
    n_rows = max(len(task.data) for task in tasks)
    n_validation = max(len(t.validation) if t.validation else 0 for t in tasks)
    full_batch = first.n_batches == 1
    n_networks = seats(len(tasks))
    return Spec(
        network=replace(first.model.network, sizes=sizes),
        optimizer=first.model.optimizer,
        noisy=tuple(any(levels) for levels in zip(*(t.model.noise for t in tasks), strict=True)),
        masked=tuple(
            any(n.sizes[i] != size for n in networks) for i, size in enumerate(sizes[:-1])
        ),
        n_networks=n_networks,
        n_sources=min(seats(n_sources), n_networks) if n_sources else n_networks,
        n_rows=padded(n_rows) if full_batch else _in_blocks(n_rows, first.batch_size),
        n_validation_rows=_padded_validation(n_validation),
        batch_size=padded(n_rows) if full_batch else first.batch_size,
        shuffle=first.shuffle and not full_batch,
    )


def _in_blocks(n_rows: int, size: int) -> int:
    """Round a number of rows above size up to whole blocks: always more than one."""
    return -(-padded(n_rows) // size) * size


def _padded_validation(n_rows: int) -> int:
    if n_rows > VALIDATION_BLOCK:
        return _in_blocks(n_rows, VALIDATION_BLOCK)
    return padded(n_rows) if n_rows else 0
