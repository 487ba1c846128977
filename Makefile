# What people and machines run. SWIFT_FLAGS goes to every build.
SWIFT_FLAGS ?=

.PHONY: help quickstart build test lint format tsan benchmark clean

help:
	@echo "make quickstart   build Gradloom, and train a network on a million samples"
	@echo "make build        build .build/release/gradloom"
	@echo "make test         run all tests"
	@echo "make lint         check the formatting"
	@echo "make format       correct the formatting"
	@echo "make tsan         run the tests of workers and steps under the thread sanitizer"
	@echo "make benchmark    measure speed, and count the allocations of hot paths"
	@echo "make clean        remove what was built"

quickstart: build
	.build/release/gradloom train configs/quickstart.yaml

build:
	@.ci/dependencies
	swift build -c release --product gradloom $(SWIFT_FLAGS)

# A debug build: assertions are the point.
test:
	@.ci/dependencies
	swift test $(SWIFT_FLAGS)

FORMATTED = --recursive Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources Benchmarks/Benchmarks

lint:
	swift format lint --strict --parallel $(FORMATTED)

format:
	swift format --in-place --parallel $(FORMATTED)

# A folder of its own: instrumented and plain objects must not mix.
tsan:
	@.ci/dependencies
	swift test --sanitize thread --scratch-path .build/tsan --filter 'Worker|Step|Barrier' $(SWIFT_FLAGS)

benchmark:
	@.ci/dependencies
	@[ -z "$$OPENBLAS_CORETYPE" ] || echo "OPENBLAS_CORETYPE=$$OPENBLAS_CORETYPE: that core type is measured"
	swift run --package-path Benchmarks -c release allocation-gate
	swift package --package-path Benchmarks --disable-sandbox benchmark

clean:
	rm -rf .build Benchmarks/.build
