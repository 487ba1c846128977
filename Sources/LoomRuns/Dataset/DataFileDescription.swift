import Foundation
import LoomConfiguration
import LoomData

/// A data file that is named without a configuration, with what its format needs to be known.
package struct DataFileDescription: Sendable {
    /// The file or directory.
    package var path: String
    /// npy, IDX: the file of the targets; npz, HDF5: the name of their array.
    package var targets: String?
    /// npz, HDF5: the name of the array of the inputs.
    package var inputs: String?
    /// CSV: the column of labels, or the only target.
    package var label: ColumnReference?
    /// npy, npz, IDX, HDF5: what every number of the inputs is multiplied with.
    package var scale: Double?
    /// LIBSVM: the number of features.
    package var features: Int?

    /// The file at `path`.
    package init(path: String) { self.path = path }

    /// An option that this file needs, or has no use for.
    package struct Mismatch: Error, Equatable {
        /// A sentence for the user.
        package let message: String
    }

    /// The options that a kind takes; those that it needs come first.
    private static func options(of kind: DataFileKind) -> (needed: [String], others: [String]) {
        switch kind {
        case .dataset, .configuration: ([], [])
        case .csv: ([], ["--label"])
        case .npy, .idx: (["--targets"], ["--scale"])
        case .npz, .hdf5: (["--inputs", "--targets"], ["--scale"])
        case .libsvm: ([], ["--features"])
        }
    }

    /// The names of the options that are given.
    private var given: [String] {
        let all: [(String, Bool)] = [
            ("--inputs", inputs != nil), ("--targets", targets != nil), ("--label", label != nil),
            ("--scale", scale != nil), ("--features", features != nil),
        ]
        return all.filter(\.1).map(\.0)
    }

    /// The samples, opened.
    /// - Throws: `DataError`; `Mismatch` for options that do not fit the kind.
    package func open(as kind: DataFileKind) throws -> any DataSource {
        try checkOptions(of: kind)
        return try source(kind, inputs: inputs ?? "", targets: targets ?? "").open()
    }

    /// Refuses options that do not fit the kind.
    package func checkOptions(of kind: DataFileKind) throws(Mismatch) {
        let (needed, others) = Self.options(of: kind)
        if let missing = needed.first(where: { !given.contains($0) }) {
            throw Mismatch(message: "\(missing) is needed for \(path), which is \(kind.rawValue).")
        }
        if let unused = given.first(where: { !(needed + others).contains($0) }) {
            throw Mismatch(message: "\(unused) has no use for \(path), which is \(kind.rawValue).")
        }
    }

    /// The samples to predict on, opened: targets need not be there.
    /// - Throws: as `open`.
    package func openInputs(as kind: DataFileKind) throws -> any DataSource {
        // What is given in their place is not looked at.
        var file = self
        if Self.options(of: kind).needed.contains("--targets") { file.targets = "" }
        try file.checkOptions(of: kind)
        let (name, scale) = (inputs ?? "", scale ?? 1)
        return switch kind {
        case .npy: try NpySource(inputs: [path], targets: nil, scale: scale)
        case .npz: try ArraySource(npz: path, inputs: name, targets: nil, scale: scale)
        case .idx: try ArraySource(idxInputs: path, targets: nil, scale: scale)
        case .hdf5: try ArraySource(hdf5: path, inputs: name, targets: nil, scale: scale)
        case .dataset, .csv, .libsvm, .configuration: try source(kind, inputs: "", targets: "").open()
        }
    }

    fileprivate func source(_ kind: DataFileKind, inputs: String, targets: String) throws -> DataSourceDescription {
        let scale = scale ?? 1
        return switch kind {
        case .configuration: throw Mismatch(message: "\(path) is a configuration.")
        case .dataset: .dataset(DatasetDescription(path: path))
        case .csv: .csv(CSVDescription(path: path, options: CSVOptions(label: label)))
        case .npy: .npy(NpyDescription(inputs: [path], targets: [targets], scale: scale))
        case .npz: .npz(ArrayFileDescription(path: path, inputs: inputs, targets: targets, scale: scale))
        case .idx: .idx(IdxDescription(inputs: path, targets: targets, scale: scale))
        case .libsvm: .libsvm(LibSVMDescription(path: path, features: features))
        case .hdf5: .hdf5(ArrayFileDescription(path: path, inputs: inputs, targets: targets, scale: scale))
        }
    }
}

extension DataSourceDescription {
    /// The files that the samples are in; a pattern that no file has is left out.
    fileprivate var files: [String] {
        switch self {
        case .synthetic, .inline, .custom: []
        case .csv(let csv): [csv.path]
        case .npy(let npy): [npy.inputs, npy.targets].flatMap { (try? FilePattern.files($0)) ?? [] }
        case .dataset(let dataset): ["\(dataset.path)/\(DatasetManifest.fileName)"]
        case .npz(let arrays), .hdf5(let arrays): [arrays.path]
        case .idx(let idx): [idx.inputs, idx.targets]
        case .libsvm(let text): [text.path]
        }
    }
}

extension DatasetManifest.Provenance {
    /// The samples of `file`, which is of the kind `kind`, with the size and time of its files: after a change they are others.
    package init(_ file: DataFileDescription, as kind: DataFileKind, details: [String: String]) throws {
        let files = try file.source(kind, inputs: file.inputs ?? "", targets: file.targets ?? "").files
        self.init(source: file.path, details: details.merging(Self.state(of: files)) { $1 })
    }

    /// The samples of the source of `configuration`, which is called `name`, with all its keys.
    package init(_ configuration: Configuration, name: String) throws {
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(configuration)) as? [String: Any]
        let data = object?["data"] as? [String: Any] ?? [:]
        let source = data.filter { DataSourceDescription.names.contains($0.key) }
        let text = try JSONSerialization.data(withJSONObject: source, options: [.sortedKeys, .withoutEscapingSlashes])
        let state = Self.state(of: configuration.data.source.files)
        self.init(source: name, details: state.merging(["data": String(decoding: text, as: UTF8.self)]) { $1 })
    }

    /// The size of all files together, and the time of the newest; nothing where there is none.
    private static func state(of files: [String]) -> [String: String] {
        var (bytes, modified): (Int, Int?) = (0, nil)
        for path in files {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            bytes += Int(status.st_size)
            modified = max(modified ?? .min, status.st_mtim.tv_sec)
        }
        guard let modified else { return [:] }
        let time = Date(timeIntervalSince1970: Double(modified))
        return ["bytes": "\(bytes)", "modified": time.formatted(.iso8601)]
    }
}
