"""Put the generator through public batteries, by: python -m benchmarks.numbers.generator PREFIX.

Needs gcc, and TestU01 (installed under PREFIX, from github.com/umontreal-simul/TestU01-2009).
A draw has an address of five parts: key, row, step, site and unit.
Each stream lists the words of a box of addresses in another order. The words come from
generator.c, because the batteries want billions; before anything else they are compared, for
each stream, with those of the library itself. Results are appended to a log, and what is in the
log is not run again: so the hours it takes can be cut into pieces (--minutes).
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, cast

import numpy as np
from scipy import stats
from sklearn.datasets import make_circles

from sknoise.noise._rows import row_keys
from sknoise.noise._sites import Site
from sknoise.tasks._task import draw_key

AXES = ("key", "row", "step", "site", "unit")
N_ROUNDS = 7
# Words of the box's beginning that are compared with the library's.
N_COMPARED = 2**15
# Crush's tests, each in a process of its own, begin so many words apart.
APART = 2**33
N_CRUSH = 96

# TestU01's own bounds: what is outside of the first is suspect, of the second a failure.
SUSPECT, FAILED = 1e-3, 1e-10

Job = Callable[[], dict[str, float]]


@dataclass(frozen=True)
class Stream:
    """The words of a box of addresses, in an order.

    Parameters
    ----------
    values : dict of str to ndarray
        The addresses on each axis; a unit's may hold a site's number too.
    order : tuple of str
        The axes, the one that varies fastest first.
    diagonal : bool
        Whether all axes advance with each word, instead of in their order.
    n_rounds : int
        Rounds of Philox; other than the library's for a control.
    """

    values: dict[str, np.ndarray]
    order: tuple[str, ...] = AXES
    diagonal: bool = False
    n_rounds: int = N_ROUNDS

    def written(self, path: str, start: int = 0) -> None:
        """Write the stream for generator.c, beginning at one of its words."""
        sizes = [len(self.values[axis]) for axis in AXES]
        order = [AXES.index(axis) for axis in self.order]
        head = [self.n_rounds, int(self.diagonal), start, *order, *sizes]
        parts = [head, *(self.values[axis] for axis in AXES)]
        Path(path).write_bytes(b"".join(np.array(part, np.uint64).tobytes() for part in parts))

    def addresses(self, n: int) -> dict[str, np.ndarray]:
        """Give the addresses of the first words."""
        i = np.arange(n)
        sizes = [len(self.values[axis]) for axis in self.order]
        if self.diagonal:
            places = [i % size for size in sizes]
        else:
            places = list(np.unravel_index(i, sizes, order="F"))
        return {a: self.values[a][at] for a, at in zip(self.order, places, strict=True)}


def box(seed: int = 0) -> dict[str, np.ndarray]:
    """Give addresses as fits make them; the numbers of them are coprime."""
    X, y = make_circles(4093, noise=0.1, random_state=0)
    layers = range(1, 4)
    sites = [Site("input"), Site("target"), Site("weights", 1), Site("gradient", 1)]
    sites += [Site(kind, i) for kind in ("hidden", "activation", "dropout") for i in layers]
    return {
        "key": np.array([draw_key(seed + i) for i in range(61)], np.uint64),
        "row": row_keys(X.astype(np.float32), y),
        "step": np.arange(4091, dtype=np.uint64),
        "site": np.array([site.number << 20 for site in sites], np.uint64),
        "unit": np.arange(397, dtype=np.uint64),
    }


def all_orders() -> dict[str, Stream]:
    """Give the streams of all orders of the axes."""
    return {" ".join(order): Stream(box(), order) for order in itertools.permutations(AXES)}


def more_streams() -> dict[str, Stream]:
    """Give the streams that look for what orders alone may miss."""
    values = box()
    bits = np.append(np.uint64(0), np.uint64(1) << np.arange(64, dtype=np.uint64))
    X, _ = make_circles(1, random_state=0)
    labels = row_keys(X.astype(np.float32).repeat(4093, axis=0), np.arange(4093))
    # As one step of a network of 30 features and 400 nodes draws, row after row.
    widths = {Site("input"): 30, Site("hidden", 1): 400}
    used = [(site.number << 22) + np.arange(width) for site, width in widths.items()]
    as_used = {"site": np.zeros(1, np.uint64), "unit": np.concatenate(used).astype(np.uint64)}
    # A kernel's rows are numbers, the bias's the last of 32 bits.
    kernel = {"row": np.append(np.arange(400), 0xFFFFFFFF).astype(np.uint64)}
    by_key, by_row = AXES, ("row", "key", "step", "site", "unit")
    by_unit = ("unit", "site", "row", "step", "key")
    return {
        "all axes at once": Stream(values, diagonal=True),
        "as a fit draws": Stream(values | as_used, by_unit),
        "kernels, by unit": Stream(values | kernel, by_unit),
        "kernels, by row": Stream(values | kernel, by_row),
        "keys that differ in one bit": Stream(values | {"key": values["key"][0] ^ bits}, by_key),
        "rows that differ in one bit": Stream(values | {"row": values["row"][0] ^ bits}, by_row),
        "one row, other labels": Stream(values | {"row": labels}, by_row),
    }


def one_for_each_axis() -> dict[str, Stream]:
    """Give an order for each axis that varies fastest, and the diagonal."""
    turned = [AXES[i:] + AXES[:i] for i in range(len(AXES))]
    streams = {"fastest " + order[0]: Stream(box(), order) for order in turned}
    return streams | {"all axes at once": Stream(box(), diagonal=True)}


def controls() -> dict[str, Stream]:
    """Give generators that are worse than ours on purpose."""
    bad = {}
    for name, stream in one_for_each_axis().items():
        for n_rounds in (2, 3, 4, 5, 6):
            bad[f"{n_rounds} rounds, {name}"] = replace(stream, n_rounds=n_rounds)
        # Elsewhere SmallCrush ends before a second step begins.
        if name in ("fastest key", "fastest row", "fastest step"):
            still = {"step": np.zeros_like(stream.values["step"])}
            bad[f"no step, {name}"] = replace(stream, values=stream.values | still)
    return bad


class Batteries:
    """The batteries, compiled with our words.

    Parameters
    ----------
    testu01 : str
        Where TestU01 is installed.
    folder : str
        For what is compiled and written.
    """

    def __init__(self, testu01: str, folder: str) -> None:
        self._folder = folder
        gcc = ["gcc", "-O3", str(Path(__file__).with_suffix(".c"))]
        subprocess.run([*gcc, "-o", f"{folder}/words"], check=True)
        libraries = ["-ltestu01", "-lprobdist", "-lmylib", "-lm"]
        paths = ["-DTESTU01", f"-I{testu01}/include", f"-L{testu01}/lib"]
        subprocess.run([*gcc, *paths, "-o", f"{folder}/testu01", *libraries], check=True)

    def first_words(self, stream: Stream, n: int) -> np.ndarray:
        """Give the first words of a stream."""
        path = f"{self._folder}/stream"
        stream.written(path)
        with subprocess.Popen([f"{self._folder}/words", path], stdout=subprocess.PIPE) as words:
            return np.frombuffer(cast("IO[bytes]", words.stdout).read(4 * n), np.uint32)

    def smallcrush(self, stream: Stream) -> dict[str, float]:
        """Run SmallCrush; give p-values."""
        return self._testu01(stream, 0, "smallcrush")

    def crush(self, stream: Stream, number: int) -> dict[str, float]:
        """Run one of Crush's tests, on its part of a stream; give p-values."""
        chosen = [str(int(i == number)) for i in range(1, N_CRUSH + 1)]
        return self._testu01(stream, number * APART, "crush", *chosen)

    def _testu01(self, stream: Stream, start: int, *arguments: str) -> dict[str, float]:
        path, results = f"{self._folder}/stream", f"{self._folder}/results"
        stream.written(path, start)
        command = [f"{self._folder}/testu01", path, results, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        lines = [line.split(" ", 1) for line in Path(results).read_text().splitlines()]
        return {f"{name} {i}": float(p) for i, (p, name) in enumerate(lines)}


def compare_words(batteries: Batteries, streams: dict[str, Stream]) -> None:
    """Compare our words with the library's: all of a block, and as ``draw`` hands them out."""
    import tensorflow as tf

    from sknoise.noise._philox import draw, philox_4x32

    def words(a: np.ndarray) -> list[tf.Tensor]:
        return [tf.constant((a >> np.uint64(b)).astype(np.uint32)) for b in (0, 32)]

    for name, stream in streams.items():
        at = stream.addresses(N_COMPARED)
        last = tf.constant((at["site"] + (at["unit"] >> np.uint64(2))).astype(np.uint32))
        counter = (*words(at["row"]), tf.constant(at["step"].astype(np.uint32)), last)
        block = np.stack(philox_4x32(counter, words(at["key"]), stream.n_rounds))
        lane = (at["unit"] & np.uint64(3)).astype(int)
        ours = batteries.first_words(stream, N_COMPARED)
        if not np.array_equal(ours, block[lane, np.arange(N_COMPARED)]):
            raise AssertionError(f"The words of {name} are not the library's.")
    print(f"{len(streams)} streams x {N_COMPARED} words are the library's")
    stream = more_streams()["as a fit draws"]
    sites = [(Site("input").number, 30), (Site("hidden", 1).number, 400)]
    rows = np.stack(words(stream.values["row"]), axis=-1)[None]
    keys = np.stack(words(stream.values["key"][:1]), axis=-1)
    drawn = tf.concat(
        draw(tf.constant(keys), tf.constant(rows), tf.constant(0, tf.uint32), sites, "fraction"),
        axis=-1,
    )
    ours = batteries.first_words(stream, drawn.numpy().size)
    if not np.array_equal(ours >> 8, drawn.numpy().ravel() * 2**24):
        raise AssertionError("What draw hands out are not our words.")
    print(f"{len(ours)} words as draw hands them out")


def normals() -> dict[str, float]:
    """Test draws of the library itself: distributions, moments, correlations; give p-values."""
    import tensorflow as tf

    from sknoise.noise._philox import draw, to_normal

    compiled = tf.function(draw, jit_compile=True)
    values = box()

    def draws(keys: np.ndarray, n_steps: int, n_rows: int, distribution: str) -> np.ndarray:
        """Give draws of shape (keys, steps, rows, 4 sites, 128 units)."""
        keys = keys.astype("<u8").view("<u4").reshape(-1, 2)
        rows = values["row"][:n_rows].astype("<u8").view("<u4").reshape(1, -1, 2)
        sites = [(int(number) >> 20, 128) for number in values["site"][[0, 1, 4, 7]]]
        keys, rows = tf.constant(keys), tf.constant(rows)
        steps = [
            np.stack(compiled(keys, rows, tf.constant(t, tf.uint32), sites, distribution), axis=-2)
            for t in range(n_steps)
        ]
        return np.stack(steps, axis=1)

    p = {}
    z = draws(values["key"][:16], 32, 128, "gaussian")
    laws = {
        "gaussian": stats.norm.cdf,
        "uniform": stats.uniform(-(3**0.5), 12**0.5).cdf,
        "laplace": stats.laplace(scale=0.5**0.5).cdf,
        "fraction": stats.uniform.cdf,
    }
    for name, cdf in laws.items():
        sample = z if name == "gaussian" else draws(values["key"][:16], 8, 128, name)
        p[f"Kolmogorov-Smirnov, {name}"] = stats.kstest(sample.ravel(), cdf).pvalue
    # Of the 2**23 values that a draw can have, all equally likely.
    cells = to_normal(tf.constant(np.arange(2**23, dtype=np.uint32) << 9)).numpy().astype(float)
    mean = {k: (cells**k).mean() for k in range(1, 9)}
    for k in range(1, 5):
        error = ((mean[2 * k] - mean[k] ** 2) / z.size) ** 0.5
        found = sum((part.astype(float) ** k).sum() for part in z) / z.size
        p[f"moment {k}"] = 2 * stats.norm.sf(abs(found - mean[k]) / error)

    def correlations(z: np.ndarray, axis: int, power: int) -> float:
        """Test the correlations of all pairs of places on an axis."""
        apart = np.moveaxis(z, axis, 0).reshape(z.shape[axis], -1).astype(float) ** power
        spread = (mean[2 * power] - mean[power] ** 2) ** 0.5
        apart = (apart - mean[power]) / spread
        n = apart.shape[1]
        r = (apart @ apart.T / n**0.5)[np.triu_indices(len(apart), 1)]
        return float(stats.chi2.sf((r**2).sum(), len(r)))

    for axis, name in enumerate(("key", "step", "row", "site", "unit")):
        for power in (1, 2):
            p[f"correlation, {name}, power {power}"] = correlations(z, axis, power)
    bits = np.append(np.uint64(0), np.uint64(1) << np.arange(64, dtype=np.uint64))
    z = draws(values["key"][0] ^ bits, 8, 64, "gaussian")
    for power in (1, 2):
        p[f"correlation, keys of one bit, power {power}"] = correlations(z, 0, power)
    return p


class Log:
    """What has been run, one line of JSON for each job."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        self._entries = {(e["battery"], e["stream"]): e for e in map(json.loads, lines)}

    def __contains__(self, name: tuple[str, str]) -> bool:
        return name in self._entries

    def add(self, battery: str, stream: str, seconds: float, p: dict[str, float]) -> None:
        """Append the p-values of a job."""
        p = {test: float(value) for test, value in p.items()}
        entry = {"battery": battery, "stream": stream, "seconds": round(seconds, 1), "p": p}
        self._entries[battery, stream] = entry
        with self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def of(self, battery: str) -> dict[str, dict[str, float]]:
        """Give the p-values of each stream of a battery."""
        return {name: e["p"] for (b, name), e in self._entries.items() if b == battery}

    def seconds(self, battery: str) -> float:
        """Give how long a battery took."""
        return sum(e["seconds"] for (b, _), e in self._entries.items() if b == battery)


def outside(p: Iterable[float], bound: float) -> int:
    """Count the p-values that are too near to 0 or 1."""
    return sum(not bound <= value <= 1 - bound for value in p)


def jobs(batteries: Batteries, log: Log) -> Iterator[tuple[str, str, Job]]:
    """Give battery, stream and what to run, in the order to run them."""
    everything = more_streams() | all_orders()
    for battery, streams in (("control", controls()), ("smallcrush", everything)):
        for name, stream in streams.items():
            yield battery, name, partial(batteries.smallcrush, stream)
    for name, stream in everything.items():
        if outside(log.of("smallcrush").get(name, {}).values(), SUSPECT):
            for seed in (1000, 2000, 3000):
                other = replace(stream, values=stream.values | {"key": box(seed)["key"]})
                run = partial(batteries.smallcrush, other)
                yield "smallcrush again", f"{name}, {seed}", run
    yield "normals", "draws", normals
    # The order in which the controls with too few rounds fail first.
    stream = one_for_each_axis()["fastest step"]
    for number in range(1, N_CRUSH + 1):
        yield "crush", f"fastest step, {number}", partial(batteries.crush, stream, number)


def table(title: str, groups: dict[str, list[float]]) -> None:
    """Print how many p-values of each group passed, are suspect, and failed."""
    print(f"\n{title:40s} {'p-values':>8s} {'passed':>6s} {'suspect':>7s} by chance failed")
    for name, p in groups.items():
        failed = outside(p, FAILED)
        suspect = outside(p, SUSPECT) - failed
        chance = 2 * SUSPECT * len(p)
        passed = len(p) - suspect - failed
        print(f"{name:40s} {len(p):8d} {passed:6d} {suspect:7d} {chance:9.1f} {failed:6d}")


def report(log: Log) -> None:
    """Print the tables of what is in the log."""
    groups: dict[str, list[float]] = defaultdict(list)
    orders = all_orders()
    for name, p in log.of("smallcrush").items():
        group = f"24 orders, fastest: {name.split()[0]}" if name in orders else name
        groups[group] += p.values()
        groups["all"] += p.values()
    table("SmallCrush", groups)
    for battery in ("smallcrush", "smallcrush again", "crush"):
        for name, p in log.of(battery).items():
            if battery == "smallcrush again" or outside(p.values(), SUSPECT):
                least = min(p, key=lambda test: min(p[test], 1 - p[test]))
                value = p[least]
                text = f"{value:.2g}" if value < 0.5 else f"1 - {1 - value:.2g}"
                print(f"  {battery}, {name}: {least}, p = {text}")
    table("Controls", {n: [*p.values()] for n, p in log.of("control").items()})
    groups = defaultdict(list)
    for p in log.of("crush").values():
        groups["fastest step"] += p.values()
    table(f"Crush, {len(log.of('crush'))} of {N_CRUSH} tests", groups)
    print("\nThe library's own draws")
    for p in log.of("normals").values():
        for name, value in p.items():
            print(f"  {name:40s} p = {value:.3f}")
    for battery in ("normals", "smallcrush", "smallcrush again", "control", "crush"):
        print(f"{battery}: {log.seconds(battery) / 60:.0f} minutes")


def main() -> None:
    """Compare the words, run what is not in the log, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("testu01", metavar="PREFIX", help="where TestU01 is installed")
    parser.add_argument("--log", default="generator.jsonl")
    parser.add_argument("--only", nargs="+", help="batteries to run, of those in the log")
    parser.add_argument("--minutes", type=float, default=np.inf, help="begin no job after")
    options = parser.parse_args()
    begun = time.monotonic()
    log = Log(options.log)
    with tempfile.TemporaryDirectory() as folder:
        batteries = Batteries(options.testu01, folder)
        compare_words(batteries, all_orders() | more_streams() | controls())
        for battery, stream, job in jobs(batteries, log):
            if (battery, stream) in log or battery not in (options.only or [battery]):
                continue
            if time.monotonic() - begun > 60 * options.minutes:
                break
            start = time.monotonic()
            p = job()
            log.add(battery, stream, time.monotonic() - start, p)
    report(log)


if __name__ == "__main__":
    main()
