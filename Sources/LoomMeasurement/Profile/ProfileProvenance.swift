import Foundation
import LoomConfiguration
import LoomHardware
import LoomKernels
import LoomRuns

/// What a profile must be read with: when, on what and of what it was measured. It names neither the host nor a user.
public struct ProfileProvenance: Sendable, Equatable, Codable {
    /// Gradloom's version.
    public let gradloom: String
    /// When the measurement began: ISO 8601, UTC.
    public let date: String
    /// The processor's name, as the operating system gives it.
    public let processor: String
    /// Its maker and its numbers of family, model and stepping.
    public let processorModel: String
    /// Name and release of the operating system's kernel.
    public let kernel: String
    /// The BLAS library that is loaded, its version and the processor family whose kernels are in use.
    public let blas: String
    /// Who multiplies: "builtin" or "openblas".
    public let gemm: String
    /// The vector instructions of the kernels.
    public let instructionSet: String
    /// The CPUs that the process may use, by the system's numbers.
    public let allowedCPUs: [Int]
    /// The CPU of each worker; nil: not bound.
    public let placement: [Int?]
    /// The command with its arguments.
    public let command: [String]
    /// The configuration's file, as it was given.
    public let configuration: String
    /// The units of the layers, "64-10"; a layer of a graph has its name and inputs, too.
    public let network: String
    /// The loss, "cross_entropy", and whether it has a penalty: "cross_entropy with l2".
    public let loss: String
    /// The rule of the updates, "momentum", and whether gradients are clipped: "momentum with clip_norm".
    public let optimizer: String
    /// Samples of a batch, as configured.
    public let batch: Int
    /// The precision of the training.
    public let precision: String

    private enum CodingKeys: String, CodingKey {
        case gradloom, date, processor, kernel, blas, gemm, placement, command, configuration, network, loss
        case optimizer, batch, precision
        case processorModel = "processor_model"
        case instructionSet = "instruction_set"
        case allowedCPUs = "allowed_cpus"
    }

    /// Of a profile of `configuration`, read from `file`, with the workers of `machine`.
    public init(
        version: String, date: Date, command: [String], file: String, configuration: Configuration,
        machine: MachineSetup
    ) {
        gradloom = version
        self.date = date.formatted(.iso8601)
        processor = machine.machine.processor
        processorModel = MachineDescription.processorModel()
        kernel = machine.machine.kernel
        blas = "\(machine.blas.version), \(machine.blas.coreName)"
        gemm = configuration.parallel.gemmBackend.rawValue
        instructionSet = machine.instructionSet.rawValue
        allowedCPUs = machine.allowance.allowedCPUs
        placement = machine.workerCPUs
        self.command = command
        self.configuration = file
        network = Self.phrase(configuration)
        loss = configuration.loss.kind.rawValue + (configuration.loss.l2 > 0 ? " with l2" : "")
        optimizer =
            configuration.optimizer.kind.rawValue + (configuration.optimizer.clipNorm == nil ? "" : " with clip_norm")
        batch = configuration.training.batch
        precision = configuration.training.precision.rawValue
    }

    /// "24-48 relu-5 softmax": features, units with what is applied to them, and the output map.
    private static func phrase(_ configuration: Configuration) -> String {
        let network = configuration.network.description(inputs: 0)
        let features = (try? configuration.data.source.featureCount()).map(String.init)
        let layers = network.layers.enumerated().map { index, layer in
            let isLast = index == network.layers.count - 1
            let applied = isLast ? network.output.rawValue : layer.activation.rawValue
            let units = "\(layer.units) \(applied)"
            return layer.inputs.map { "\(layer.name) \(units) of \($0.joined(separator: ", "))" } ?? units
        }
        return ([features].compactMap { $0 } + layers).joined(separator: "-")
    }
}
