# What people and machines run. SWIFT_FLAGS goes to every build.
SWIFT_FLAGS ?=

.PHONY: help quickstart build test soak lint format tsan sanitize trajectories measures trace-check report-check formats-check interchange-check examples benchmark compare compare-readers data-speed accuracy wheel python-environment python-check compare-python bundle deb deb-check docs reference clean

help:
	@echo "make quickstart    build Gradloom, and train a network on a million samples"
	@echo "make build         build .build/release/gradloom"
	@echo "make test          run all tests"
	@echo "make soak          run the tests that take long, and trainings under load, in a release build"
	@echo "make lint          check the formatting"
	@echo "make format        correct the formatting"
	@echo "make tsan          run the tests of workers, steps and checkpoints under the thread sanitizer"
	@echo "make sanitize      run kernels and readers under the address and undefined-behaviour sanitizers"
	@echo "make trajectories  train in PyTorch what the tests train, and compare with what was recorded"
	@echo "make measures      measure in scikit-learn what the tests measure, and compare with what was recorded"
	@echo "make trace-check   ask Perfetto's trace processor whether it reads the traces as they are meant"
	@echo "make report-check  look at report pages with a browser, light and dark, on a desk and on a telephone"
	@echo "make formats-check let numpy, h5py, scikit-learn, pyarrow and torchvision read our files, and read theirs"
	@echo "make interchange-check  let ONNX Runtime and PyTorch run exported networks, and compare predictions"
	@echo "make wheel         build the Python package, with all libraries, in .build/wheel"
	@echo "make python-check  use the Python package with scikit-learn, and beside the program"
	@echo "make compare-python  fit side by side with scikit-learn, and compare times"
	@echo "make examples      build the example server, and ask it over HTTP beside gradloom predict (minutes)"
	@echo "make benchmark     measure speed, and count the allocations of hot paths"
	@echo "make compare       train side by side with PyTorch, JAX and scikit-learn, and compare speeds"
	@echo "make compare-readers  read a CSV file side by side with Polars, PyArrow and pandas, and compare speeds"
	@echo "make data-speed    train on samples that are made or read meanwhile, beside samples in memory"
	@echo "make accuracy      train in float32 and in mixed precision, and compare accuracies"
	@echo "make bundle        build a folder with all that is needed on a machine without Swift, and a .tar.gz of it"
	@echo "make deb           build a Debian package: the program, completions, manual pages and examples"
	@echo "make deb-check     install that package in a plain Debian 12, train there, and remove it (as root)"
	@echo "make docs          build the articles and the library's reference in .build/docs"
	@echo "make reference     write the documentation's tables of configuration keys"
	@echo "make clean         remove what was built"

# The package that builds the program: Benchmarks builds the same, for its own programs.
PACKAGE ?= .

quickstart: build
	$(PACKAGE)/.build/release/gradloom train configs/quickstart.yaml

build:
	@.ci/dependencies
	GRADLOOM_COMMIT="$$(.ci/commit)" swift build --package-path $(PACKAGE) -c release --product gradloom $(SWIFT_FLAGS)

# A debug build: assertions are the point. Only the kernels are optimised, without which tests take half as long again.
DEBUG = -Xcc -O2

test:
	@.ci/dependencies
	swift test $(DEBUG) $(SWIFT_FLAGS)

FORMATTED = --recursive Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources Benchmarks/Benchmarks

lint:
	swift format lint --strict --parallel $(FORMATTED)

format:
	swift format --in-place --parallel $(FORMATTED)

# Hours, in release: more worker counts, teams and made-up trainings, every float32 through every transcendental kernel (not
# together with the tests of teams: it takes all threads that a team would need), trainings that are ended, or refused
# something, at every call that changes a file, trainings under load, kernels between pages that nothing may touch, a million
# mutated inputs for every reader (MUTANTS of them, from SEED on), and sanitizers over kernels and readers.
MUTANTS ?= 1000000
SEED ?= 1
SOAK = swift test -c release -Xswiftc -enable-testing --scratch-path .build/soak $(SWIFT_FLAGS)
soak:
	@.ci/dependencies
	GRADLOOM_SOAK=1 $(SOAK) --filter 'WorkerTeam|WorkerBinding|CheckIn|Barrier|TrainerBits|StepProgram|ReferenceVertex|TrainingProperty'
	GRADLOOM_SOAK=1 $(SOAK) --filter KernelElementary
	mkdir -p .build/crash-points
	Tests/crash-points/run.py .build/soak/release/gradloom .build/crash-points
	Tests/load/run.py .build/soak/release/gradloom .build/load
	.build/soak/release/kernel-bounds --all
	.build/soak/release/mutated-inputs --seed $(SEED) --count $(MUTANTS) --jobs $(shell nproc)
	$(MAKE) sanitize

# A folder of its own: instrumented and plain objects must not mix.
tsan:
	@.ci/dependencies
	swift test --sanitize thread --scratch-path .build/tsan --filter 'WorkerTeam|WorkerBinding|CheckIn|Barrier|RouteTests|TrainerFixture|TrainerDivergence|CheckpointWriter' $(SWIFT_FLAGS)

# PyTorch stays outside the source tree, as the peers do.
TRAJECTORIES ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gradloom/trajectories

trajectories:
	Tests/trajectories/run.sh $(TRAJECTORIES)

MEASURES ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gradloom/measures

measures:
	Tests/measures/run.sh $(MEASURES)

# A folder of its own, too. What is kept until the end on purpose is no leak.
SANITIZE = --sanitize address --scratch-path .build/asan -Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined \
	-Xcc -O1
sanitize:
	@.ci/dependencies
	swift build $(SANITIZE) --product kernel-bounds $(SWIFT_FLAGS)
	swift build $(SANITIZE) --product mutated-inputs $(SWIFT_FLAGS)
	.build/asan/debug/kernel-bounds
	ASAN_OPTIONS=detect_leaks=0 .build/asan/debug/mutated-inputs --seed $(SEED) --count 5000 --jobs $(shell nproc)

# Perfetto's Python package and its trace processor stay outside the source tree, as the peers do.
PERFETTO ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gradloom/perfetto

trace-check:
	@.ci/dependencies
	GRADLOOM_TRACE_SAMPLE=$(CURDIR)/.build/sample.pftrace swift test $(DEBUG) --filter aSampleForTheTraceProcessor $(SWIFT_FLAGS)
	Tests/trace-check/run.sh $(PERFETTO) .build/sample.pftrace

# Screenshots, and the Python package that talks to the browser, stay outside the source tree, too.
REPORTS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gradloom/reports

report-check: build
	mkdir -p $(REPORTS)
	GRADLOOM_REPORT_SAMPLE=$(REPORTS)/sample.html swift test $(DEBUG) --filter aSampleForTheBrowser $(SWIFT_FLAGS)
	.build/release/gradloom profile configs/quickstart.yaml --report $(REPORTS)/quickstart.html --force
	.build/release/gradloom train configs/digits.yaml --quiet --set run.directory=$(REPORTS)/runs
	.build/release/gradloom report $(REPORTS)/runs/* --output $(REPORTS)/runs.html --force
	.build/release/gradloom train configs/friedman1.yaml --quiet --set run.directory=$(REPORTS)/regressions
	.build/release/gradloom report $(REPORTS)/regressions/* --output $(REPORTS)/regressions.html --force
	Tests/report-check/run.sh $(REPORTS) $(REPORTS)/sample.html $(REPORTS)/quickstart.html $(REPORTS)/runs.html \
	    $(REPORTS)/regressions.html

# Whose files are read, and who reads ours.
FORMATS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gradloom/formats

formats-check: build
	@.ci/python-environment $(FORMATS) Tests/formats/requirements.txt "the libraries (some minutes)"
	PYTHONDONTWRITEBYTECODE=1 $(FORMATS)/venv/bin/python Tests/formats/check.py .build/release/gradloom

# Who runs exported networks.
INTERCHANGE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gradloom/interchange

interchange-check: build
	@.ci/python-environment $(INTERCHANGE) Tests/interchange/requirements.txt "the programs (some minutes)"
	PYTHONDONTWRITEBYTECODE=1 $(INTERCHANGE)/venv/bin/python -W ignore Tests/interchange/check.py .build/release/gradloom

# What the Python package is used with; the package itself is installed anew.
PYTHON_PACKAGE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gradloom/python

wheel:
	@.ci/dependencies
	.ci/wheel

python-environment: wheel
	@.ci/python-environment $(PYTHON_PACKAGE) Tests/python/requirements.txt "scikit-learn (some minutes)"
	$(PYTHON_PACKAGE)/venv/bin/python -m pip install --quiet --no-deps --force-reinstall .build/wheel/gradloom-*.whl

python-check: build python-environment
	PYTHONDONTWRITEBYTECODE=1 $(PYTHON_PACKAGE)/venv/bin/python Tests/python/check.py .build/release/gradloom

# For example: make compare-python COMPARE='--rounds 3'
compare-python: python-environment
	$(PYTHON_PACKAGE)/venv/bin/python Benchmarks/python/compare.py --results Benchmarks/results $(COMPARE)

# The server's package builds the program, too: one build for both.
SERVER = Tests/Examples/Server

examples:
	@$(MAKE) build PACKAGE=$(SERVER)
	swift build --package-path $(SERVER) -c release --product prediction-server $(SWIFT_FLAGS)
	PYTHONDONTWRITEBYTECODE=1 Tests/Examples/check.py $(SERVER)/.build/release

benchmark:
	@.ci/dependencies
	@[ -z "$$OPENBLAS_CORETYPE" ] || echo "OPENBLAS_CORETYPE=$$OPENBLAS_CORETYPE: that core type is measured"
	swift run --package-path Benchmarks -c release allocation-gate
	swift run --package-path Benchmarks -c release step-speed
	swift package --package-path Benchmarks --disable-sandbox benchmark

# The peers are 6 GB: they stay outside the source tree, and clean leaves them alone.
PEERS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gradloom/peers
# For example: make compare COMPARE='--rounds 3 tiny mnist', or make compare COMPARE='--precision mixed_bfloat16'
COMPARE ?=

compare:
	@.ci/dependencies
	swift build --package-path Benchmarks -c release --product step-speed
	@Benchmarks/peers/install.sh $(PEERS)
	PYTHONDONTWRITEBYTECODE=1 $(PEERS)/venv/bin/python Benchmarks/peers/compare.py --cache $(PEERS) \
		--results Benchmarks/results $(COMPARE)

# 1.3 GB of samples, for as long as it takes.
data-speed: build
	mkdir -p .build/data-speed
	Benchmarks/data/measure.py $(PACKAGE)/.build/release/gradloom .build/data-speed --results Benchmarks/results
	rm -r .build/data-speed

accuracy: build
	mkdir -p .build/accuracy
	Benchmarks/precision/measure.py $(PACKAGE)/.build/release/gradloom .build/accuracy --results Benchmarks/results
	rm -r .build/accuracy

# The libraries that read stay outside the source tree, and so do the files that they read.
READERS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/gradloom/readers
# For example: make compare-readers COMPARE='--rounds 3'

compare-readers:
	@.ci/dependencies
	swift build --package-path Benchmarks -c release --product read-speed
	@.ci/python-environment $(READERS) Benchmarks/readers/requirements.txt "the readers (half a gigabyte)"
	PYTHONDONTWRITEBYTECODE=1 $(READERS)/venv/bin/python Benchmarks/readers/compare.py --cache $(READERS) \
		--results Benchmarks/results $(COMPARE)

bundle:
	@.ci/dependencies
	.ci/bundle

deb:
	@.ci/dependencies
	.ci/deb

deb-check:
	.ci/deb-check

# The reference has all that GradloomInternals exports, too, as symbols of Gradloom.
EXPORTED = LoomConfiguration,LoomData,LoomHardware,LoomKernels,LoomMeasurement,LoomModel,LoomPlan,LoomReference,LoomReporting,LoomRuns,LoomTraining
TOOLCHAIN = $(dir $(realpath $(shell command -v swift)))

docs: BIN = $(shell swift build --show-bin-path)
docs: MODULE_MAPS = $(BIN)/CKernels.build $(BIN)/CHardware.build $(addprefix Sources/,COpenBLAS CHwloc COpenSSL CISAL) \
	.build/checkouts/Yams/Sources/CYaml/include
docs:
	@.ci/dependencies
	swift build --target Gradloom $(DEBUG) $(SWIFT_FLAGS)
	rm -rf .build/symbol-graph .build/docs && mkdir -p .build/symbol-graph
	$(TOOLCHAIN)swift-symbolgraph-extract -module-name Gradloom -output-dir .build/symbol-graph \
		-target $(shell uname -m)-unknown-linux-gnu -experimental-allowed-reexported-modules=$(EXPORTED) \
		-I $(BIN)/Modules -Xcc -ISources/CKernels/include $(shell pkg-config --cflags-only-I openblas hwloc libcrypto libisal) \
		$(patsubst %,-Xcc -fmodule-map-file=%/module.modulemap,$(MODULE_MAPS))
	$(TOOLCHAIN)docc convert Sources/Gradloom/Gradloom.docc --additional-symbol-graph-dir .build/symbol-graph \
		--output-dir .build/docs --warnings-as-errors
	@echo "Built .build/docs: serve that folder over HTTP and open /documentation/gradloom/"

reference:
	@.ci/dependencies
	GRADLOOM_WRITE_REFERENCE=1 swift test $(DEBUG) --filter theReferenceListsEveryKey $(SWIFT_FLAGS)

clean:
	rm -rf .build Benchmarks/.build $(SERVER)/.build
