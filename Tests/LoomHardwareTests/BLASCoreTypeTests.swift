import LoomHardware
import Testing

@Suite struct BLASCoreTypeTests {
    private static let avx2: Set<String> = ["avx2", "fma"]
    private static let avx512 = avx2.union(["avx512f", "avx512bw", "avx512dq", "avx512vl"])

    private static let cases: [(flags: Set<String>, current: String?, candidates: [String?])] = [
        ([], nil, []), (["avx2"], nil, []), (["asimd"], nil, []), (avx2, nil, ["Haswell"]),
        (avx512, nil, ["Haswell", "SkylakeX"]), (avx512.subtracting(["avx512vl"]), nil, ["Haswell"]),
        (avx512.union(["avx512_bf16"]), nil, ["Haswell", "SkylakeX", "Cooperlake"]),
        (avx512.union(["amx_bf16"]), "skylakex", [nil, "Haswell", "SapphireRapids"]), ([], "Prescott", [nil]),
    ]

    @Test(arguments: cases.indices) func triesWhatTheProcessorHas(index: Int) {
        let example = Self.cases[index]
        #expect(BLASCoreType.candidates(flags: example.flags, current: example.current) == example.candidates)
    }

    private func type(_ variable: String?, _ core: String, _ gflops: Double) -> BLASCoreType {
        BLASCoreType(variable: variable, core: core, gflops: gflops)
    }

    @Test func advisesWhatWasFaster() {
        let prescott = type(nil, "Prescott", 15.4)
        #expect(
            BLASCoreType.advice(
                current: prescott, others: [type("Haswell", "Haswell", 60), type("SkylakeX", "SkylakeX", 98.2)])
                == "On one worker OpenBLAS had 15 GFLOP/s with Prescott kernels (OPENBLAS_CORETYPE not set) and "
                + "98 GFLOP/s with SkylakeX kernels (OPENBLAS_CORETYPE=SkylakeX): set it where OpenBLAS multiplies.")
        #expect(
            BLASCoreType.advice(
                current: type("Haswell", "Haswell", 60),
                others: [type(nil, "Cooperlake", 110), type("SkylakeX", "SkylakeX", 112)])
                == "On one worker OpenBLAS had 60 GFLOP/s with Haswell kernels (OPENBLAS_CORETYPE=Haswell) and "
                + "110 GFLOP/s with Cooperlake kernels without OPENBLAS_CORETYPE: unset it where OpenBLAS multiplies.")
    }

    @Test func advisesNothingThatWasNotMeasured() {
        let current = type("SkylakeX", "SkylakeX", 100)
        #expect(BLASCoreType.advice(current: current, others: []) == nil)
        #expect(BLASCoreType.advice(current: current, others: [type(nil, "Prescott", 15)]) == nil)
        #expect(BLASCoreType.advice(current: current, others: [type(nil, "Cooperlake", 109.9)]) == nil)
        #expect(BLASCoreType.advice(current: current, others: [type(nil, "Cooperlake", 110.1)]) != nil)
        // Kernels that the library's build does not have: it took others.
        #expect(BLASCoreType.advice(current: current, others: [type("SapphireRapids", "Cooperlake", 300)]) == nil)
        #expect(BLASCoreType.advice(current: current, others: [type("cooperlake", "Cooperlake", 300)]) != nil)
    }
}
