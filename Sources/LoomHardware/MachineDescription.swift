import CHwloc
import Foundation

/// What a result must be read with: the processor, its features, memory and the software below. It names
/// neither the host nor a user.
public struct MachineDescription: Sendable, Codable, Equatable {
    /// The processor's name, as the operating system gives it.
    public let processor: String
    /// The processor's features that matter for arithmetic, in the spelling of /proc/cpuinfo, sorted.
    public let flags: [String]
    /// Packages, NUMA nodes, L3 groups, cores and hardware threads of the machine.
    public let packages: Int
    /// The number of NUMA nodes.
    public let numaNodes: Int
    /// The number of L3 groups.
    public let l3Groups: Int
    /// The number of physical cores.
    public let cores: Int
    /// The number of hardware threads.
    public let hardwareThreads: Int
    /// The memory in bytes.
    public let memoryBytes: Int
    /// Name and release of the operating system's kernel.
    public let kernel: String
    /// The version of the interface of the hwloc that is loaded; it changes less often than hwloc's own.
    public let hwlocVersion: String
    /// The version of OpenBLAS that is loaded.
    public let openBLASVersion: String

    private enum CodingKeys: String, CodingKey {
        case processor, flags, packages, cores, kernel
        case numaNodes = "numa_nodes"
        case l3Groups = "l3_groups"
        case hardwareThreads = "hardware_threads"
        case memoryBytes = "memory_bytes"
        case hwlocVersion = "hwloc_version"
        case openBLASVersion = "openblas_version"
    }

    /// Describes this machine, whose topology is `topology`.
    public static func current(topology: Topology, blas: BLASRuntime = .current()) -> MachineDescription {
        let cpuInfo = SystemFile.text("/proc/cpuinfo") ?? ""
        return MachineDescription(topology: topology, blas: blas, cpuInfo: cpuInfo)
    }

    init(topology: Topology, blas: BLASRuntime, cpuInfo: String) {
        processor =
            Self.field("model name", of: cpuInfo) ?? Self.field("Hardware", of: cpuInfo) ?? Self.architecture
        flags = Self.flags(of: cpuInfo).intersection(Self.flagsOfInterest).sorted()
        packages = topology.packages.count
        numaNodes = topology.numaNodeCount
        l3Groups = topology.l3Groups.count
        cores = topology.cores.count
        hardwareThreads = topology.hardwareThreads.count
        memoryBytes = Int(ProcessInfo.processInfo.physicalMemory)
        kernel = Self.kernelName()
        let version = hwloc_get_api_version()
        hwlocVersion = "\(version >> 16).\(version >> 8 & 0xff).\(version & 0xff)"
        openBLASVersion = blas.version
    }

    /// All features of this machine's processor, in the spelling of /proc/cpuinfo; empty where there is none.
    public static func processorFlags() -> Set<String> {
        flags(of: SystemFile.text("/proc/cpuinfo") ?? "")
    }

    /// Maker, family, model and stepping of this machine's processor, "GenuineIntel 6-207-2"; empty where there is no
    /// /proc/cpuinfo.
    public static func processorModel() -> String {
        processorModel(of: SystemFile.text("/proc/cpuinfo") ?? "")
    }

    /// On ARM implementer, variant, part and revision.
    static func processorModel(of cpuInfo: String) -> String {
        let x86 = ["vendor_id", "cpu family", "model", "stepping"]
        let arm = ["CPU implementer", "CPU variant", "CPU part", "CPU revision"]
        let numbers = [x86, arm].lazy.map { $0.compactMap { field($0, of: cpuInfo) } }.first { !$0.isEmpty } ?? []
        return numbers.prefix(1).joined() + (numbers.count > 1 ? " " : "") + numbers.dropFirst().joined(separator: "-")
    }

    /// `flags` on x86-64, `Features` on ARM.
    static func flags(of cpuInfo: String) -> Set<String> {
        let line = field("flags", of: cpuInfo) ?? field("Features", of: cpuInfo) ?? ""
        return Set(line.split(separator: " ").map(String.init))
    }

    private static let flagsOfInterest: Set<String> = [
        "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni",
        "avx512_bf16",
        "avx512_fp16", "avx_vnni", "amx_tile", "amx_bf16", "amx_int8", "asimd", "asimdhp", "bf16", "i8mm",
        "sve", "sve2",
        "sme", "hypervisor",
    ]

    private static func field(_ name: String, of cpuInfo: String) -> String? {
        for line in cpuInfo.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == name {
                return parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return nil
    }

    private static var names: utsname {
        var names = utsname()
        uname(&names)
        return names
    }

    private static var architecture: String { text(names.machine) }

    private static func kernelName() -> String { "\(text(names.sysname)) \(text(names.release))" }

    /// Reads a fixed C array of characters up to its terminating zero.
    private static func text<Characters>(_ characters: Characters) -> String {
        withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
