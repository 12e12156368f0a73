# make help lists the targets. IMAGES, SPLITS, OUT and the other variables reach the command
# through the environment, so paths with blanks need no second quoting.
VENV ?= .venv
PYTHON ?= python3
RUN = $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)/python
# A process per core; the tests of a file stay together, as they share what they build
PARALLEL = -n logical --dist loadfile
export MANIFEST ENGINE RAY_ADDRESS MODEL IMAGES SPLITS CLASSES LAYOUT FOLLOW_LINKS ANNOTATIONS AGAINST OUT APP FAIL_ON IGNORED_CHANGES MAX_MEGAPIXELS TITLE TOP CLEAR DOCS CHROMIUM OLDEST

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 16

scan: $(VENV)/ready $(if $(MANIFEST),$(VENV)/ready-ray) ## find problems: make scan IMAGES=folder [or MANIFEST=m.parquet [ENGINE=threads|ray] [RAY_ADDRESS=auto] [MODEL=name]; docs/cluster.md] [SPLITS=train=a,test=b] [CLASSES=a,b] [LAYOUT=split/class] [FOLLOW_LINKS=1] [ANNOTATIONS=coco.json] [OUT=folder] [TITLE=text] [TOP=20] [APP=1] [FAIL_ON=leaks,unreadable] [MAX_MEGAPIXELS=64] [IGNORED_CHANGES=mirrored,rotated,recolored]
	@$(RUN) $(if $(MANIFEST),cli/scan_manifest.py,cli/scan_folder.py)

compare: $(VENV)/ready ## what is new in a folder: make compare IMAGES=new AGAINST=folder-or-data-set,another [OUT=folder] [FAIL_ON=known,leaks]
	@$(RUN) cli/compare_folders.py

cache: $(VENV)/ready ## say what is kept between runs; CLEAR=1 clears it
	@$(RUN) cli/cache.py

check: lint ## before a commit: lint, and the tests that are quick
	$(RUN) -m pytest $(PARALLEL) -m "not slow" --hypothesis-profile=quick tests/unit tests/property

test: $(VENV)/ready-dev ## run all tests but those in the browser
	$(RUN) -m pytest $(PARALLEL)

faults: $(VENV)/ready-dev ## try every fault on disk actions; writes benchmarks/faults.md
	$(RUN) tests/faults/report.py

e2e: $(VENV)/ready-dev ## test the App in Chromium; DOCS=1 renews the screenshots of the documentation
	$(RUN) tests/e2e/browser.py
	# Once more if one failed: a busy machine makes the App draw a part anew in the middle
	# of a click, and stories follow on one another. What fails twice is broken
	E2E=1 $(RUN) -m pytest tests/e2e -v || E2E=1 $(RUN) -m pytest tests/e2e -v

bundle: ## build the review's part in the App (JavaScript; needs npm)
	cd review && npm ci --no-fund --no-audit && npm run build

lint: $(VENV)/ready-dev ## style, types and import rules
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) tests/check_types.py
	$(RUN) tests/import_rules.py

bench-quality: $(VENV)/ready-dev ## compare with other tools on planted truth: make bench-quality BENCH=folder
	$(RUN) benchmarks/quality.py $(BENCH)

bench: $(VENV)/ready ## time a whole scan beside other tools, and a million images: make bench BENCH=folder
	$(RUN) benchmarks/speed.py $(BENCH)
	$(RUN) benchmarks/scale.py $(BENCH)

docs: $(VENV)/ready-dev ## write docs/operators.md and docs/fields.md from the code
	$(RUN) docs/reference.py

format: $(VENV)/ready-dev ## put the code into shape
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

$(VENV)/ready: requirements.txt cli/set_up.py
	@$(PYTHON) cli/set_up.py $(VENV) requirements.txt
	@touch $@

$(VENV)/ready-ray: $(VENV)/ready requirements-ray.txt
	@$(PYTHON) cli/set_up.py $(VENV) requirements-ray.txt
	@touch $@

$(VENV)/ready-dev: $(VENV)/ready requirements-dev.txt requirements-ray.txt
	@$(PYTHON) cli/set_up.py $(VENV) requirements-dev.txt
	@touch $@

.PHONY: help scan compare cache check test e2e faults bundle lint bench bench-quality docs format
