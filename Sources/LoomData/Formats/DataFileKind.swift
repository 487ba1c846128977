import Foundation

/// The formats of data files that are told apart by what files begin with, and where that says nothing by their names.
package enum DataFileKind: String, Sendable, CaseIterable {
    case dataset, csv, npy, npz, idx, libsvm, hdf5
    /// A configuration, which says itself where its data are.
    case configuration

    /// The kind of what is at `path`.
    /// - Throws: `DataError` for a file that is missing.
    package static func of(_ path: String) throws(DataError) -> DataFileKind {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return .dataset }
        let stored = try InputFile.stored(path)
        let isCompressed = stored.bytes.starts(with: Inflater.gzipMagic)
        let beginning =
            isCompressed ? Inflater.beginning(stored.bytes, count: 4096) : [UInt8](stored.bytes.prefix(4096))
        var name = path.lowercased()
        if name.hasSuffix(".gz") { name.removeLast(3) }
        return byContent(beginning) ?? byName(name) ?? (isLibSVM(beginning) ? .libsvm : .csv)
    }

    private static func byContent(_ bytes: [UInt8]) -> DataFileKind? {
        if bytes.starts(with: NpyHeader.magic) { return .npy }
        if bytes.starts(with: [0x50, 0x4b, 3, 4]) { return .npz }
        if bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) { return .hdf5 }
        // No text begins with zeros.
        if bytes.starts(with: [0, 0]), bytes.count >= 4 { return .idx }
        return nil
    }

    private static func byName(_ name: String) -> DataFileKind? {
        let endings: [(String, DataFileKind)] = [
            (".yaml", .configuration), (".yml", .configuration), (".csv", .csv), (".tsv", .csv), (".svm", .libsvm),
            (".libsvm", .libsvm), (".svmlight", .libsvm), (".h5", .hdf5), (".hdf5", .hdf5),
        ]
        return endings.first { name.hasSuffix($0.0) }?.1
    }

    /// Whether the first line is a number and then an index with its value.
    private static func isLibSVM(_ bytes: [UInt8]) -> Bool {
        let line = String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self)
        return line.prefixMatch(of: /[-+0-9.eE]+[ \t]+[0-9]+:[-+0-9.]/) != nil
    }
}
