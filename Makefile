# One environment for the demo, the tests and development; PYTHON is any Python >= 3.11.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python
# TensorFlow's notes on the processor and on missing graphics cards help nobody here.
export TF_CPP_MIN_LOG_LEVEL = 3

.PHONY: demo test check oldest audit benchmark clean

# Installed anew only when the dependencies change.
$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade pip
	$(RUN) -m pip install --quiet --editable '.[test]'
	touch $@

demo: $(VENV)/installed
	$(RUN) examples/plot_noise_on_circles.py $(ARGS)

check: $(VENV)/installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

# Three processes: TensorFlow never frees a compiled program, and each takes some 135 memory maps
# of the 65,530 that Linux gives a process.
COMPILING = tests/parallel tests/training
test: check
	$(RUN) -m pytest tests/test_checks.py $(ARGS)
	$(RUN) -m pytest $(COMPILING:%=--ignore=%) --ignore=tests/test_checks.py $(ARGS)
	$(RUN) -m pytest $(COMPILING) $(ARGS)

# The oldest supported scikit-learn, in an environment of its own.
.venv-oldest/installed: pyproject.toml
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --upgrade pip
	.venv-oldest/bin/python -m pip install --quiet --editable '.[test]' 'scikit-learn==1.6.0'
	touch $@

oldest: .venv-oldest/installed
	.venv-oldest/bin/python -m pytest -k "not test_options" tests/test_checks.py \
		tests/parallel/test_backend.py $(ARGS)

# Looks the installed versions up among the known vulnerabilities, on pypi.org; apart, because its own
# dependencies are many. Strict: what cannot be looked up is a failure.
audit: $(VENV)/installed
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet pip-audit==2.10.1
	$(RUN) -m pip freeze --exclude-editable > .venv-audit/versions.txt
	.venv-audit/bin/pip-audit --strict --no-deps --disable-pip -r .venv-audit/versions.txt

benchmark: $(VENV)/installed
	$(RUN) benchmarks/speed.py $(ARGS)
	$(RUN) benchmarks/stacks.py $(ARGS)
	$(RUN) benchmarks/noise_curve.py

clean:
	rm -rf .venv .venv-oldest .venv-audit .mypy_cache .pytest_cache .ruff_cache *.egg-info
