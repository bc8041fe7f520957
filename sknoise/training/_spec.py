"""The static facts that a training program is compiled for; all else is a run-time input."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sknoise.noise._sites import Site
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

# The optional inputs of a program, and which tasks need them.
_NEEDED: dict[str, Callable[[Task], bool]] = {
    "schedule": lambda task: task.schedule is not None,
    "stopping": lambda task: task.stopping is not None,
    "feature_scale": lambda task: task.model.feature_scale is not None,
    "penalty": lambda task: task.model.penalty > 0,
    "max_norm": lambda task: task.model.max_norm < math.inf,
}
OPTIONS = frozenset(_NEEDED)

# Validation data is passed through the network in blocks of this many rows.
VALIDATION_BLOCK = 4096


def reason_against_compiling(optimizer: Optimizer) -> str | None:
    """Say why no program can train by this optimizer, or on Keras's backend; None where it can."""
    # Only here, since it imports Keras, and tasks are planned without.
    from sknoise.training._backends import reason_against_backend

    reason = reason_against_backend()
    if reason is not None:
        return reason
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
    sites : tuple of Site
        The sites with noise; one that has none costs nothing.
    distribution : str
        Of the noise.
    multiplicative : bool
        Whether noise multiplies.
    options : frozenset of str
        Names of those optional ``Inputs`` that there are.
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
    sites: tuple[Site, ...]
    distribution: str
    multiplicative: bool
    options: frozenset[str]
    masked: tuple[bool, ...]
    n_networks: int
    n_sources: int
    n_rows: int
    n_validation_rows: int
    batch_size: int
    shuffle: bool

    @property
    def row_sites(self) -> list[Site]:
        """The sites whose noise has a draw for each row."""
        return [site for site in self.sites if site.kind not in ("weights", "gradient")]

    def width(self, site: Site) -> int:
        """Give how many draws one of the row sites takes for each row."""
        n_outputs = self.network.sizes[-1]
        if site.kind == "target":
            # Whether to draw a label anew, and which; targets that are numbers take one each.
            return {"sigmoid": 2 * n_outputs, "softmax": 2}.get(self.network.output, n_outputs)
        return self.network.sizes[site.layer]

    @property
    def n_draws(self) -> int:
        """Number of draws of a step, for networks of one source."""
        sizes = self.network.sizes
        rows = self.batch_size * sum(self.width(site) for site in self.row_sites)
        noisy = [site.layer for site in self.sites if site.kind == "weights"]
        kernels = sum(sizes[layer - 1] * sizes[layer] for layer in noisy)
        gradient = any(site.kind == "gradient" for site in self.sites)
        return rows + kernels + gradient * self.network.n_weights

    @property
    def figures(self) -> tuple[str, ...]:
        """What the history has."""
        names = self.network.figures
        return (*names, *(f"val_{n}" for n in names)) if self.n_validation_rows else names

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
        network.loss,
        task.model.noise.distribution,
        task.model.noise.multiplicative,
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
        sites=tuple(sorted({site for task in tasks for site in task.model.noise.levels})),
        distribution=first.model.noise.distribution,
        multiplicative=first.model.noise.multiplicative,
        options=frozenset(name for task in tasks for name in _options(task)),
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


def _options(task: Task) -> list[str]:
    """Name the optional inputs that a task needs."""
    return [name for name, is_needed in _NEEDED.items() if is_needed(task)]


def _in_blocks(n_rows: int, size: int) -> int:
    """Round a number of rows above size up to whole blocks: always more than one."""
    return -(-padded(n_rows) // size) * size


def _padded_validation(n_rows: int) -> int:
    if n_rows > VALIDATION_BLOCK:
        return _in_blocks(n_rows, VALIDATION_BLOCK)
    return padded(n_rows) if n_rows else 0
