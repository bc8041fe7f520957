"""Checks what ``make dist`` has built: ``python tools/check_dist.py``."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Check the only source distribution and the only wheel in ``dist``."""
    (sdist,) = ROOT.glob("dist/*.tar.gz")
    (wheel,) = ROOT.glob("dist/*.whl")
    version = wheel.name.split("-")[1]
    check_version(version)
    check_sdist(sdist)
    check_wheel(wheel, version)
    # Outside the checkout, whose sknoise would be imported in place of the wheel's.
    with TemporaryDirectory() as folder:
        check_use(wheel, Path(folder))


def check_version(version: str) -> None:
    """Check that the citation and the changelog speak of the version that was built."""
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^(version|date-released): (\S+)$", citation, re.MULTILINE))
    if stated["version"] != version:
        sys.exit(f"CITATION.cff is of version {stated['version']}, and the wheel of {version}.")
    heading = f"## [{version}] - {stated['date-released']}"
    if heading not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines():
        sys.exit(f"CHANGELOG.md has no heading {heading!r}.")


def check_sdist(sdist: Path) -> None:
    """Check that the source distribution has what git tracks, and nothing else."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    tracked = set(listed.stdout.decode().split("\0")) - {""}
    with tarfile.open(sdist) as tar:
        packed = {name.split("/", 1)[1] for name in tar.getnames()} - {"PKG-INFO"}
    # What begins with a dot is for git and CI.
    differ = {name for name in packed ^ tracked if not name.startswith(".")}
    if differ:
        sys.exit(f"Only git or only {sdist.name} has {sorted(differ)}.")


def check_wheel(wheel: Path, version: str) -> None:
    """Check that the wheel has the licence; check-wheel-contents has seen to the package."""
    if f"sknoise-{version}.dist-info/licenses/LICENSE" not in zipfile.ZipFile(wheel).namelist():
        sys.exit(f"{wheel.name} lacks the licence.")


def check_use(wheel: Path, folder: Path) -> None:
    """Check that the wheel, alone in an empty environment, does what the README shows."""
    python = folder / "env" / "bin" / "python"

    def run(*command: str | Path) -> None:
        print(*(str(part).splitlines()[0] for part in command), flush=True)
        # Figures are drawn, but not shown.
        env = os.environ | {"MPLBACKEND": "agg"}
        subprocess.run(command, cwd=folder, env=env, check=True)

    def install(*what: str | Path) -> None:
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)

    run(sys.executable, "-m", "venv", python.parents[1])
    # First without extras: the README needs none up to its search. The block after that draws.
    install(wheel)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    (last,) = (i for i, block in enumerate(blocks) if "search.fit(" in block)
    run(python, "-I", "-c", "\n".join(blocks[: last + 1]))

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (pytest,) = (
        requirement
        for requirement in project["project"]["optional-dependencies"]["test"]
        if requirement.startswith("pytest==")
    )
    # Collecting doctests imports each module.
    install(f"{wheel}[plot,onnx,jax]", pytest)
    (options,) = project["tool"]["pytest"]["ini_options"]["doctest_optionflags"]
    # Isolated: neither PYTHONPATH nor the working directory brings another sknoise.
    run(
        *(python, "-I", "-m", "pytest", "-ra", "--doctest-modules"),
        *("-o", f"doctest_optionflags={options}", "--pyargs", "sknoise"),
    )


if __name__ == "__main__":
    main()
