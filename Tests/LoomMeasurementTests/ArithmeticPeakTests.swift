import Foundation
import LoomHardware
import LoomKernels
import LoomTraining
import Testing

@testable import LoomMeasurement
@testable import LoomRuns

/// Figures are compared with each other within one test, and loosely: other tests use the same cores.
@Suite(.serialized) struct ArithmeticPeakTests {
    private let team = WorkerTeam(workers: 1)

    /// How many times as fast as `second` `first` is, in many short rounds in turn and in the processor's time: clocks go up
    /// and down with what others do, for both of neighbouring rounds, and a thread that is stopped has no time then.
    ///
    /// What runs on the other hardware thread of the core is not seen, and takes more from one loop than from another: of
    /// several series of rounds, some time apart, the fastest counts, which had least of it.
    private func ratio(
        _ first: (ArithmeticInstructions, Precision), over second: (ArithmeticInstructions, Precision)
    ) throws -> Double {
        let loops = try [first, second].map { try #require(RegisterLoop($0.0, $0.1)) }
        let all = try (0..<12).map { _ in
            usleep(30_000)
            return try series(loops)
        }
        return try #require(all.max { $0.speed < $1.speed }).ratio
    }

    /// The median ratio of 20 rounds, and how fast both loops were.
    private func series(_ loops: [RegisterLoop]) throws -> (ratio: Double, speed: Double) {
        let speeds = loops.map { _ in AlignedBuffer<Double>(count: 20, repeating: 0) }
        // As a worker does: subnormal numbers would cost time.
        _ = team.seconds { _ in
            for round in 0..<speeds[0].count {
                for (loop, speeds) in zip(loops, speeds) {
                    let start = Self.processorSeconds()
                    loop.run()
                    speeds.pointer[round] = loop.operations / max(Self.processorSeconds() - start, 1e-9)
                }
            }
        }
        let figures = speeds.map { Array($0.elements) }
        let medians = try figures.map { try #require(MedianEstimate($0)).median }
        return (
            try #require(PairedRatio.estimate(figures[0], over: figures[1])).median, medians[0] * medians[1]
        )
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    @Test func theLoopsDoAsMuchAsTheirVectorsAreWide() throws {
        let known = ArithmeticInstructions.allCases.filter { !$0.multipliesBF16 && $0.loop(.float32) != nil }
        #expect(known.contains(.baseline) && known.contains(.ofKernels))
        for instructions in known {
            let ratios = try ratios((instructions, .float32), over: (instructions, .float64)) {
                (1.7...2.3).contains($0)
            }
            #expect((1.7...2.3).contains(ratios.last!), "\(instructions): float32 over float64 \(ratios)")
        }
        guard known.contains(.avx512) else { return }
        // As fast as AVX2 (Zen 4) or twice (Zen 5, Xeons); anything between would be a loop that waits for itself.
        func isPlausible(_ ratio: Double) -> Bool { (0.85...1.15).contains(ratio) || (1.7...2.3).contains(ratio) }
        let ratios = try ratios((.avx512, .float32), over: (.avx2, .float32), until: isPlausible)
        #expect(isPlausible(ratios.last!), "AVX-512 over AVX2: \(ratios)")
    }

    /// Ratios until one is as it should be, at most five: a program on the same core's other thread, or another clock, moves some
    /// of them; a loop that waits for itself is off every time.
    private func ratios(
        _ first: (ArithmeticInstructions, Precision), over second: (ArithmeticInstructions, Precision),
        until isRight: (Double) -> Bool
    ) throws -> [Double] {
        var ratios: [Double] = []
        while ratios.count < 5, !(ratios.last.map(isRight) ?? false) { ratios.append(try ratio(first, over: second)) }
        return ratios
    }

    @Test func onlyWhatTheProcessorHasIsMeasured() {
        let flags = MachineDescription.processorFlags()
        #expect((ArithmeticInstructions.avx2.loop(.float32) != nil) == flags.isSuperset(of: ["avx2", "fma"]))
        #expect((ArithmeticInstructions.avx512.loop(.float64) != nil) == flags.contains("avx512f"))
        #expect((ArithmeticInstructions.vdpbf16ps.loop(.float32) != nil) == flags.contains("avx512_bf16"))
        if !flags.contains("amx_bf16") { #expect(ArithmeticInstructions.amxBF16.loop(.float32) == nil) }
        let wide = ArithmeticInstructions.inUse(by: .openBLAS)
        #expect(wide == (flags.contains("avx512f") ? .avx512 : flags.contains("avx2") ? .avx2 : .baseline))
    }

    @Test func roundsGoOnAsLongAsTheyBringMore() {
        func rounds(_ figures: [Double]) -> (count: Int, highest: Double) {
            var count = 0
            // The first call only finds out how often the probe fits.
            let probe = Probe(
                seconds: { repetitions in
                    count += 1
                    return count == 1 ? 1 : Double(repetitions)
                }, figure: { _ in figures[min(count - 2, figures.count - 1)] })
            let highest = Probe.highest([probe], secondsPerRound: 1)
            return (count - 1, highest)
        }
        #expect(rounds([10]) == (5, 10))
        #expect(rounds([10, 9, 9, 11, 8]) == (8, 11))
        #expect(rounds([10, 9, 9, 9, 9, 20]) == (5, 10))
        #expect(rounds((1...100).map(Double.init)) == (40, 40))
        // The last digits of a steady clock do not count.
        #expect(rounds([100, 100.1]) == (5, 100.1))
    }

    // MARK: The cache

    private func withCache(_ body: (CeilingCache, MachineSetup, CeilingCache.Key) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("peak-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let machine = try MachineSetup(workers: 1, policy: .none)
        let key = CeilingCache.Key(machine, instructions: .ofKernels, precision: .float32)
        try body(CeilingCache(path: directory.appendingPathComponent("ceilings.json").path), machine, key)
    }

    private func peak(_ machine: MachineSetup, _ cache: CeilingCache?) -> ArithmeticPeak {
        ArithmeticPeak(Float.self, provider: .builtin, team: team, machine: machine, cache: cache)
    }

    @Test func whatIsTrustedIsNotMeasuredAgain() throws {
        try withCache { cache, machine, key in
            cache.keep(.init(gflops: 1e9, otherWorkFraction: 0.01), for: key)
            let kept = peak(machine, cache)
            #expect(kept == ArithmeticPeak(gflops: 1e9, instructions: .ofKernels, isCached: true))
            // Without a cache everybody measures.
            #expect(peak(machine, nil).gflops < 1e6)
        }
    }

    @Test func whatOthersDisturbedIsMeasuredAgain() throws {
        try withCache { cache, machine, key in
            cache.keep(.init(gflops: 0.001, otherWorkFraction: 0.5), for: key)
            let measured = peak(machine, cache)
            #expect(!measured.isCached && measured.gflops > 0.1)
            #expect(cache.figure(for: key)?.gflops == measured.gflops)
            // And stays the ceiling if the new figure is lower.
            cache.keep(.init(gflops: 1e9, otherWorkFraction: 0.5), for: key)
            #expect(peak(machine, cache).gflops == 1e9)
        }
    }

    @Test func nothingIsFasterThanItsCeiling() throws {
        try withCache { cache, machine, key in
            cache.keep(.init(gflops: 0.001, otherWorkFraction: 0), for: key)
            var ceiling = peak(machine, cache)
            func raise(_ speed: Double) -> Bool {
                ceiling.raise(toReach: speed, Float.self, team: team, machine: machine, cache: cache)
            }
            #expect(!raise(0.0005) && !raise(0.001) && !raise(.nan) && ceiling.gflops == 0.001)
            // Too low a ceiling is measured again, and is far above what was reached then.
            #expect(raise(0.002) && ceiling.gflops > 0.1 && !ceiling.isCached)
            #expect(cache.figure(for: key)?.gflops == ceiling.gflops)
            // What no measurement explains is the ceiling itself.
            #expect(raise(1e9) && ceiling.gflops == 1e9)
            #expect(cache.figure(for: key)?.gflops == 1e9)
        }
    }

    // MARK: The report

    @Test func sharesAreOfTheHighestFigureThereIs() throws {
        try withCache { cache, machine, key in
            var request = PeakMeasurement.Request()
            request.precisions = [.float32]
            request.rounds = 3
            request.secondsPerFigure = 0.006
            var peak = PeakMeasurement(request, machine: machine)
            #expect(peak.largeProducts.map(\.provider) == GemmBackend.allCases)
            for product in peak.largeProducts {
                let ceiling = peak.ceiling(of: product.provider, .float32, workers: 1)
                #expect(product.gflops.highest <= ceiling)
            }
            let loop = try #require(peak.ceilings.first { $0.instructions == .ofKernels })
            #expect(peak.ceiling(of: .builtin, .float32, workers: 1) >= loop.gflops.highest)
            cache.keep(.init(gflops: 1e9, otherWorkFraction: 0), for: key)
            let isWritten = peak.refresh(cache, machine: machine)
            #expect(isWritten)
            #expect(peak.ceiling(of: .builtin, .float32, workers: 1) == 1e9)
            #expect(cache.figure(for: key)?.gflops == 1e9)
        }
    }

    @Test func aProductThatWasFasterIsTheCeiling() {
        func figure(_ samples: Double...) -> PeakFigure { PeakFigure(samples: samples) }
        func peak(openBLAS: Double) -> PeakMeasurement {
            PeakMeasurement(
                workers: 2,
                ceilings: [
                    .init(instructions: .inUse(by: .openBLAS), precision: .float32, workers: 1, gflops: figure(60)),
                    .init(
                        instructions: .inUse(by: .openBLAS), precision: .float32, workers: 2,
                        gflops: figure(80, 90, 100)),
                    .init(instructions: .amxBF16, precision: .float32, workers: 2, gflops: figure(900)),
                ],
                largeProducts: [
                    .init(provider: .openBLAS, precision: .float32, workers: 2, gflops: figure(50, 70, openBLAS)),
                    .init(provider: .openBLAS, precision: .float64, workers: 2, gflops: figure(500)),
                ])
        }
        #expect(peak(openBLAS: 90).ceiling(of: .openBLAS, .float32, workers: 2) == 100)
        #expect(peak(openBLAS: 120).ceiling(of: .openBLAS, .float32, workers: 2) == 120)
        #expect(peak(openBLAS: 120).ceiling(of: .openBLAS, .float32, workers: 1) == 60)
        #expect(peak(openBLAS: 90).ceiling(of: .openBLAS, .float64, workers: 2) == 500)
    }

    @Test func aRefreshKeepsWhatItMeasured() throws {
        try withCache { cache, machine, key in
            var request = PeakMeasurement.Request()
            request.precisions = [.float32]
            request.rounds = 1
            request.secondsPerFigure = 0.001
            var peak = PeakMeasurement(request, machine: machine)
            let measured = peak.ceiling(of: .builtin, .float32, workers: 1)
            let isWritten = peak.refresh(cache, machine: machine)
            #expect(isWritten)
            #expect(cache.figure(for: key)?.gflops == measured)
            #expect(cache.figure(for: key)?.otherWorkFraction == peak.otherWorkFraction)
        }
    }
}
