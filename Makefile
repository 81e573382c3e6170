# Two commands do everything: `make demo` and `make test`. They need python 3.11 or newer, make and a C library.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORES ?= 2
WORKERS ?= 2
# Studies of tests wait for schedulers, kills and single jobs: two workers more than processors keep these busy.
SLOW_WORKERS ?= 4
DEMO ?= demo
SEED ?= 1
# File by file in this order: the longest first, and those that wait (SLURM) beside those that compute.
LONG := $(patsubst %,tests/contracts/test_%.py,registration networks exports brain_masks)
SLOW := tests/faults tests/slurm tests/workflow $(LONG) $(filter-out $(LONG),$(wildcard tests/contracts/test_*.py))

.PHONY: help env envs lock container-base container test-container dev demo new-patients test quick environments unit slow test-long test-faults test-kills test-slurm system slurm dciodvfy latex lint docs rule-graph format clean
help:
	@echo "make demo          simulate a cohort, run the whole study on it, apply its models to new patients (CORES=$(CORES))"
	@echo "make test          all tests and checks"
	@echo "make unit          the quick tests (WORKERS=$(WORKERS) side by side)"
	@echo "make test-long     what make test leaves out because it takes minutes: before a release, and after changes there"
	@echo "make test-faults   of these the faults: kill the study at ten moments, damage results and make them again"
	@echo "make test-kills    kill the study at a hundred moments and compare its results each time (1.5 hours)"
	@echo "make test-slurm    run the study on a real SLURM, started here (root and apt; make test does it where SLURM is installed)"
	@echo "make docs          the documentation as a site, in build/site"
	@echo "make env           install the command residua into $(BIN)"

env: $(VENV)/.env
$(VENV)/.env: pyproject.toml envs/driver.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Residua needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv --no-config pip install --quiet --python $(BIN)/python -c envs/driver.txt -e .
	$(BIN)/python envs/bytecode.py
	@touch $@

dev: $(VENV)/.dev
$(VENV)/.dev: $(VENV)/.env envs/driver.txt
	$(BIN)/uv --no-config pip install --quiet --python $(BIN)/python -c envs/driver.txt -e '.[dev]'
	$(BIN)/python envs/bytecode.py
	@touch $@

# All environments, also those of options, so that nothing is downloaded later: on a cluster, on its login node.
envs: env
	$(BIN)/python tests/environments.py

# The digests of the environments' packages, after a pin changed.
lock: env
	$(BIN)/python envs/lock.py

# An image with all environments, and the micro study in it without a network. BUILD and RUN hold further options of buildah
# and podman. The base where none can be pulled is made from Debian's packages, as root.
BASE ?= docker.io/library/debian:12-slim
MIRROR ?= http://deb.debian.org/debian
container-base:
	rm -rf build/container/base && mkdir -p build/container
	debootstrap --variant=minbase --include=ca-certificates bookworm build/container/base $(MIRROR)
	tar -C build/container/base -c . | podman import - localhost/residua-base
	rm -rf build/container/base

container:
	rm -rf build/container/context && mkdir -p build/container/context
	git archive HEAD | tar -x -C build/container/context
	buildah build $(BUILD) --build-arg BASE=$(BASE) --tag localhost/residua --file containers/Containerfile build/container/context

test-container:
	podman run --rm --network none $(RUN) localhost/residua /opt/residua/containers/micro_study.sh

demo: env $(DEMO)/cohort/cohort.tsv
	$(BIN)/snakemake --profile tests/toy/profile --cores $(CORES) --configfile tests/toy/config.yaml --directory $(DEMO)
	@$(BIN)/residua summary $(DEMO)
	@$(MAKE) --no-print-directory new-patients

# The models of the demo, packed and applied to patients who were not in it: one without T1w, one with T1w-CE alone.
new-patients: $(DEMO)/bundles/nnunet-A.zip $(DEMO)/bundles/nnunet-B.zip $(DEMO)/new/cohort.tsv
	$(BIN)/residua predict --bundle $(DEMO)/bundles/nnunet-A.zip --bundle $(DEMO)/bundles/nnunet-B.zip \
	    --cohort $(DEMO)/new/cohort.tsv --out $(DEMO)/predicted --cores $(CORES)

$(DEMO)/bundles/nnunet-%.zip: $(DEMO)/results/bundles/nnunet/%.json
	rm -f $@
	$(BIN)/residua bundle --study $(DEMO) --arch nnunet --inputs $* --out $@

$(DEMO)/new/cohort.tsv: | env
	$(BIN)/python tests/toy/new_patients.py $(DEMO)/new

$(DEMO)/cohort/cohort.tsv: | env
	$(BIN)/residua simulate --out $(DEMO)/cohort --patients 24 --seed $(SEED)

# Environments, which mostly wait for the network, are installed while the quick checks run.
test: dev
	$(MAKE) -j 2 environments quick
	$(MAKE) slow

quick: dev
	$(MAKE) -j 1 lint docs unit

environments: dev
	$(BIN)/python tests/environments.py

# Tests side by side: WORKERS=0 runs them one after the other. Each worker reads all files that it is given.
unit: dev
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not long" tests/unit tests/golden

# Where Python is told to write no bytecode, each of the hundreds of jobs would compile the library.
slow: dev
	$(BIN)/python -m compileall -q src
	$(BIN)/pytest -n $(SLOW_WORKERS) --dist loadfile -m "slow and not long" $(SLOW)

# Whole studies from end to end, and repetitions: minutes each, and quicker tests of `slow` cross their parts.
test-long: dev
	$(BIN)/pytest -n $(SLOW_WORKERS) --dist loadfile -m long $(SLOW) tests/unit

# Of these the faults, with those of `slow`.
FAULTS := tests/faults $(patsubst %,tests/workflow/test_%.py,killed_application damaged_results full_disk places_of_studies)
test-faults: dev
	$(BIN)/pytest -n $(SLOW_WORKERS) --dist loadfile $(FAULTS) tests/slurm/test_faults.py

# An hour and a half: a hundred kills, one line each in build/kills/kills.log. Cut off, the same command goes on.
test-kills: dev
	$(BIN)/python tests/faults/hundred_kills.py --out build/kills

test-slurm: dev slurm
	RESIDUA_SLURM=required $(BIN)/pytest tests/slurm

slurm:
	command -v slurmctld > /dev/null && command -v munged > /dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
	    --no-install-recommends slurm-wlm slurmctld slurmd slurm-client munge > /dev/null; }

# One after the other: apt works for one at a time.
system:
	$(MAKE) -j 1 slurm dciodvfy latex

# The validator of DICOM.
dciodvfy:
	command -v dciodvfy > /dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
	    --no-install-recommends dicom3tools > /dev/null; }

# LaTeX, which compiles the tables. Of its largest package only what they need: all of it takes minutes.
TEXMF := /usr/local/share/texmf
latex:
	command -v pdflatex > /dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
	    --no-install-recommends texlive-latex-base texlive-latex-recommended > /dev/null; }
	kpsewhich adjustbox.sty > /dev/null || { mkdir -p build/latex $(TEXMF)/tex/latex && cd build/latex && \
	    apt-get download -qq texlive-latex-extra && dpkg-deb --fsys-tarfile texlive-latex-extra_*.deb | tar -x \
	    -C $(TEXMF)/tex/latex --strip-components 7 --wildcards '*/tex/latex/adjustbox/*' '*/tex/latex/collectbox/*' && \
	    mktexlsr $(TEXMF) 2> /dev/null && rm texlive-latex-extra_*.deb; }

build/lint/cohort.tsv: | dev
	$(BIN)/residua simulate --like micro --patients 8 --seed 1 --out build/lint

# A bundle with made-up weights, by which the rules of an application can be linted.
build/lint/bundle.zip: tests/unit/bundles.py $(wildcard src/residua/bundle/*.py) | dev build/lint/cohort.tsv
	rm -f $@
	PYTHONPATH=tests/unit $(BIN)/python -c 'import pathlib, bundles; bundles.write_micro_bundle(pathlib.Path("$@"))'

lint: dev build/lint/cohort.tsv build/lint/bundle.zip
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/uv --no-config tool run --quiet snakefmt==2.1.0 --check Snakefile rules tests/environments.smk
	$(BIN)/snakemake --lint --configfile tests/micro/config.yaml --config cohort=build/lint/cohort.tsv raters=build/lint/raters.tsv
	$(BIN)/snakemake --lint --configfile tests/micro/application.yaml
	$(BIN)/snakemake --lint --configfile tests/micro/application.yaml --config validation={}
	$(BIN)/residua schema --check

# The site in build/site. Every warning is an error, and the rule graph must be the workflow's. Its software has an environment of its own.
# Most of what the published study has beside the article's results, and the micro study does without.
BESIDE = conventions='[brats-lesionwise]' statistics='{subgroups: [hospital]}' report='{cases: 1}'
RULE_GRAPH = $(BIN)/snakemake --rulegraph --quiet all --configfile tests/micro/config.yaml \
    --config cohort=build/lint/cohort.tsv raters=build/lint/raters.tsv $(BESIDE) | $(BIN)/python benchmarks/rule_graph.py

docs: build/docs-venv/.done build/lint/cohort.tsv
	$(RULE_GRAPH) --check docs/images/rule_graph.svg
	NO_MKDOCS_2_WARNING=1 build/docs-venv/bin/mkdocs build --quiet --strict

rule-graph: build/lint/cohort.tsv
	$(RULE_GRAPH) docs/images/rule_graph.svg

build/docs-venv/.done: envs/docs.txt | dev
	$(BIN)/uv --no-config venv --quiet --clear --python $(BIN)/python build/docs-venv
	$(BIN)/uv --no-config pip install --quiet --python build/docs-venv/bin/python -r envs/docs.txt
	build/docs-venv/bin/python envs/bytecode.py $(VENV)
	@touch $@

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/uv --no-config tool run --quiet snakefmt==2.1.0 Snakefile rules tests/environments.smk
	$(BIN)/residua schema

clean:
	rm -rf $(DEMO) build
