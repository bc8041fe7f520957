"""Mutation testing: changes the code of noise and training, and sees whether the tests notice.

The mutants are mutmut's. Its own runner would import TensorFlow and compile for each anew, and
leaves out decorated functions; here each mutant is a fork of one process that has imported what is
slow, TensorFlow unused, and runs the tests until one fails. Results are appended to a file, a
line each; a second run goes on where the first one ended.

    python -m benchmarks.suite.mutants [--sample N] [--results FILE] [MODULE ...]
"""

from __future__ import annotations

import argparse
import difflib
import gc
import importlib.util
import json
import os
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from tempfile import TemporaryDirectory

import libcst as cst
from mutmut.mutation.file_mutation import Mutation, MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

ROOT = Path(__file__).parents[2]
# What tests a module of training beside the file of its own name, the quickest first.
PROGRAM = ["program", "early", "stack"]
ALSO = {"_cache": [], "_cost": ["plan"], "_plan": [], "_progress": [], "_sources": []}
# Of tests that are run with every optimizer and activation, one will do.
SOME = (
    "not (elementwise_optimizers and not sgd) and not (smaller_stack and nadam) and "
    "not (different_width and not (ftrl or sigmoid))"
)
# Arguments that only assert, or only make faster: no test can see that it is gone.
HARMLESS = ("strict", "parallel_iterations")
TIMEOUT = 60  # Seconds for a test; without a mutant the longest takes ten.


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    module: str
    diff: str
    source: str


class Visitor(MutationVisitor):
    """Finds mutmut's mutations, also in decorated functions."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Arg) and node.keyword and node.keyword.value in HARMLESS:
            return True
        return not isinstance(node, cst.FunctionDef) and super()._skip_node_and_children(node)


def mutations(path: Path) -> Iterator[tuple[Path, cst.Module, Mutation]]:
    """Find all mutations of a module."""
    visitor = Visitor(mutation_operators, IgnoredCode(set(), set(), set()))
    wrapper = cst.MetadataWrapper(cst.parse_module(path.read_text()), unsafe_skip_copy=True)
    tree = wrapper.visit(visitor)
    for mutation in visitor.mutations:
        before, after = map(tree.code_for_node, (mutation.original_node, mutation.mutated_node))
        if all(before.count(f"{name}=") == after.count(f"{name}=") for name in HARMLESS):
            yield path, tree, mutation


def mutant(path: Path, tree: cst.Module, mutation: Mutation) -> Mutant:
    """Apply a mutation."""
    source = tree.deep_replace(mutation.original_node, mutation.mutated_node).code
    lines = difflib.unified_diff(tree.code.splitlines(), source.splitlines(), n=0, lineterm="")
    diff = "\n".join(line for line in lines if line[:3] not in ("---", "+++"))
    return Mutant(str(path.relative_to(ROOT)), diff, source)


def tests_of(module: str) -> list[str]:
    """Give the files that test a module, its own first."""
    package, name = Path(module).with_suffix("").parts[1:]
    also = ALSO.get(name, PROGRAM) if package == "training" else []
    names = dict.fromkeys([name.strip("_"), *also])
    files = [ROOT / "tests" / package / f"test_{name}.py" for name in names]
    return [str(file) for file in files if file.exists()]


class Finder:
    """Imports a file in the place of a module."""

    def __init__(self, module: str, file: Path) -> None:
        self._name = module.removesuffix(".py").replace("/", ".")
        self._file = file

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        """Find the one module."""
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._file)


def survives(mutant: Mutant, folder: Path) -> bool:
    """Run the tests on a mutant, until one fails or hangs."""
    # A file, because AutoGraph compiles what it finds there, not what was imported.
    file = folder / "mutant.py"
    file.write_text(mutant.source)
    child = os.fork()
    if not child:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        sys.dont_write_bytecode = True
        sys.meta_path.insert(0, Finder(mutant.module, file))
        limit = [f"--timeout={TIMEOUT}", "--timeout-method=thread"]
        options = ["-x", "-p", "no:cacheprovider", *limit, "-k", SOME]
        os._exit(pytest.main([*options, *tests_of(mutant.module)]))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RuntimeError(f"pytest ran no test of {mutant.module}: its exit code is {code}.")
    return code == 0


def main() -> None:
    """Run what is left to run, and print the score and who survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=["sknoise/noise", "sknoise/training"])
    parser.add_argument("--sample", type=int, help="this many mutants, drawn with a fixed seed")
    parser.add_argument("--results", type=Path, default=ROOT / "mutants.jsonl")
    args = parser.parse_args()
    paths = [p for m in args.modules for p in (sorted((ROOT / m).glob("*.py")) or [ROOT / m])]
    found = [mutation for path in paths for mutation in mutations(path)]
    random.Random(0).shuffle(found)
    chosen = [mutant(*place) for place in found[: args.sample]]
    print(f"{len(chosen)} of {len(found)} mutants")
    args.results.touch()
    known = [json.loads(line) for line in args.results.read_text().splitlines()]
    survived = {(r["module"], r["diff"]): r["survived"] for r in known}
    # The forks then share more of the memory.
    gc.freeze()
    with args.results.open("a", buffering=1) as file, TemporaryDirectory() as folder:
        for m in chosen:
            key = m.module, m.diff
            if key not in survived:
                survived[key] = survives(m, Path(folder))
                result = {"module": m.module, "diff": m.diff, "survived": survived[key]}
                file.write(json.dumps(result) + "\n")
    survivors = [m for m in chosen if survived[m.module, m.diff]]
    for m in survivors:
        print(m.module, m.diff, sep="\n", end="\n\n")
    print(f"{len(survivors)} survived: {1 - len(survivors) / len(chosen):.1%} were noticed.")


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # What is slow to import, and none of sknoise.
    import keras  # noqa: F401
    import pytest
    import scipy.stats  # noqa: F401
    import sklearn.model_selection  # noqa: F401
    import tensorflow  # noqa: F401

    main()
