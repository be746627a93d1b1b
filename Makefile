# One command each for set-up, demo, test, lint, bench, soak, docs. Everything is installed into .venv of this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A judge of FHIR resources that cannot share an environment with linkml.
PYROFILE := .venv-pyrofile
# Dagster, for the page on it: it brings a newer antlr4 than linkml can use.
DAGSTER := .venv-dagster
# MultiQC reads what we write for it; its dependencies are its own (1 GB).
MULTIQC := .venv-multiqc
DEMO := demo-output
SUBJECTS ?= 100
# What the extensions are compiled of: whoever changes it installs again.
COMPILED := hatch_build.py $(shell find harmonize -name '*.pyx' -o -name '*.pxd')

.PHONY: help demo setup test lint format bench soak docs generate wheel clean

help: ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/installed: pyproject.toml $(COMPILED) | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e .
	@touch $@

$(VENV)/installed-dev: pyproject.toml $(COMPILED) | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[dev]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-docs: pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[docs]'
	@touch $@

setup: $(VENV)/installed-dev ## install harmonize and what developers need

demo: $(VENV)/installed ## synthetic records, conversion to FHIR and Phenopackets, validation, report
	@BIN=$(BIN) DEMO=$(DEMO) SUBJECTS=$(SUBJECTS) sh scripts/demo.sh

$(PYROFILE)/installed: | $(BIN)/uv
	$(PYTHON) -m venv $(PYROFILE)
	$(BIN)/uv pip install --quiet --python $(PYROFILE)/bin/python 'pyrofile-validator==0.3.0'
	@touch $@

$(DAGSTER)/installed: pyproject.toml | $(BIN)/uv
	$(PYTHON) -m venv $(DAGSTER)
	$(BIN)/uv pip install --quiet --python $(DAGSTER)/bin/python -e . 'dagster==1.13.29'
	@touch $@

$(MULTIQC)/installed: | $(BIN)/uv
	$(PYTHON) -m venv $(MULTIQC)
	$(BIN)/uv pip install --quiet --python $(MULTIQC)/bin/python 'multiqc==1.35'
	@touch $@

test: $(VENV)/installed-dev $(PYROFILE)/installed $(DAGSTER)/installed $(MULTIQC)/installed ## all tests but the benchmarks and the long ones
	$(BIN)/python -m pytest -q -n auto

lint: $(VENV)/installed-dev ## ruff, mypy --strict, the layers of the design
	$(BIN)/ruff check harmonize scripts tests hatch_build.py
	$(BIN)/ruff format --check harmonize scripts tests hatch_build.py
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev ## rewrite the code as the formatter wants it
	$(BIN)/ruff check --fix harmonize scripts tests hatch_build.py
	$(BIN)/ruff format harmonize scripts tests hatch_build.py

bench: $(VENV)/installed-dev ## speed and memory, as ratios inside one run
	$(BIN)/python -m tests.bench

soak: $(VENV)/installed-dev ## the long tests: sentinels in every field, damage at every place, a hundred thousand subjects
	$(BIN)/python -m pytest -q -n auto tests/soak

docs: $(VENV)/installed-docs ## the documentation site in site/, without network
	$(BIN)/python scripts/generate_docs.py
	$(BIN)/python -m scripts.site_pages
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

generate: $(VENV)/installed-dev ## everything that is generated and committed
	$(BIN)/python scripts/generate_hub.py
	$(BIN)/python scripts/generate_phenopackets_schema.py
	$(BIN)/python scripts/generate_hmd_template.py
	$(BIN)/python scripts/generate_docs.py

wheel: $(VENV)/installed-dev ## dist/*.whl with mappings and terminologies inside
	$(BIN)/python -m build --wheel --installer uv

clean: ## remove what was made
	rm -rf $(VENV) $(PYROFILE) $(DAGSTER) $(MULTIQC) $(DEMO) dist site docs/datasets docs/hub docs/profiles $(shell find harmonize -name '*.so') .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
