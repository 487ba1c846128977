import Foundation
import Testing

@testable import LoomHardware

@Suite struct MachineDescriptionTests {
    private static let blas = BLASRuntime(
        configuration: "OpenBLAS 0.3.21 DYNAMIC_ARCH", coreName: "Zen", parallelism: .pthreads)

    @Test func readsProcessorOfIntelAndARM() throws {
        let topology = try Topology(synthetic: "pack:2 [numa] l3:4 core:8 pu:2")
        let intel = MachineDescription(
            topology: topology, blas: Self.blas,
            cpuInfo:
                "processor\t: 0\nmodel name\t: A: B\nflags\t\t: fpu avx2 fma\nmodel name\t: C\n"
        )
        #expect(intel.processor == "A: B")
        #expect(intel.flags == ["avx2", "fma"])
        let counts: [Int] = [
            intel.packages, intel.numaNodes, intel.l3Groups, intel.cores, intel.hardwareThreads,
        ]
        #expect(counts == [2, 2, 8, 64, 128])
        #expect(intel.openBLASVersion == "OpenBLAS 0.3.21")
        let arm = MachineDescription(
            topology: topology, blas: Self.blas, cpuInfo: "processor : 0\nFeatures\t: fp asimd sve\n")
        #expect(arm.flags == ["asimd", "sve"])
        #expect(!arm.processor.isEmpty)
    }

    @Test(arguments: [
        (
            "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 207\nmodel name\t: X\nstepping\t: 2\nvendor_id\t: Y\n",
            "GenuineIntel 6-207-2"
        ),
        ("CPU implementer\t: 0x41\nCPU variant\t: 0x1\nCPU part\t: 0xd40\nCPU revision\t: 1\n", "0x41 0x1-0xd40-1"),
        ("processor : 0\n", ""), ("", ""),
    ])
    func readsTheProcessorsNumbers(cpuInfo: String, model: String) {
        #expect(MachineDescription.processorModel(of: cpuInfo) == model)
    }

    @Test func describesThisMachineWithoutItsName() throws {
        let machine = MachineDescription.current(topology: try Topology.machine())
        #expect(machine.memoryBytes > 1 << 20)
        #expect(machine.hwlocVersion.hasPrefix("2."))
        #expect(!machine.kernel.contains("\0") && machine.kernel.contains(" "))
        let text = String(decoding: try JSONEncoder().encode(machine), as: UTF8.self)
        #expect(text.contains("\"hardware_threads\"") && text.contains("\"openblas_version\""))
        #expect(!text.contains("\"\(ProcessInfo.processInfo.hostName)\""))
    }
}
