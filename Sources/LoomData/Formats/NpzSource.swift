import LoomKernels

/// Arrays in an .npz archive, which `numpy.savez` and `numpy.savez_compressed` write.
package struct NpzArchive {
    private let archive: ZipArchive
    private var path: String { archive.file.path }

    /// Opens an archive.
    /// - Throws: `DataError` for a file that is missing, of another format or damaged.
    package init(path: String) throws(DataError) {
        let file = try InputFile(path: path)
        try file.withBytes { bytes throws(DataError) in
            guard !bytes.starts(with: [0x50, 0x4b]) else { return }
            let format = FileFormat.known(bytes)
            throw DataError(
                .badData, source: path,
                problem: format.map { "the file is \($0.what), expected an .npz archive" }
                    ?? "this is not an .npz archive: it doesn't start with PK",
                remedy: format?.remedy ?? "write it with numpy.savez")
        }
        archive = try ZipArchive(file)
    }

    /// The names of the arrays.
    package var keys: [String] {
        archive.members.filter { $0.name.hasSuffix(".npy") }.map { String($0.name.dropLast(4)) }
    }

    /// The array `key`.
    /// - Throws: `DataError`, with the names of those that exist where there is none of that name.
    package func array(_ key: String) throws(DataError) -> NumberArray {
        guard let member = archive.members.last(where: { $0.name == key + ".npy" }) else {
            throw DataError(
                .badData, source: path, problem: "there is no array '\(key)'",
                remedy: keys.isEmpty ? "write it with numpy.savez" : "the arrays are: \(NameList.text(keys))")
        }
        // What was inflated has been compared.
        return try NumberArray(
            npy: archive.content(of: member, name: "\(path) (\(key))"), takesImages: true,
            checksum: member.method == 0 ? member.checksum : nil)
    }
}

extension ArraySource {
    /// The arrays `inputs` and `targets` (nil to predict) of an archive. Every number of the inputs is multiplied with `scale`.
    ///
    /// - Throws: `DataError`.
    package init(npz path: String, inputs: String, targets: String?, scale: Double = 1) throws(DataError) {
        let archive = try NpzArchive(path: path)
        try self.init(
            inputs: archive.array(inputs),
            targets: targets.map { key throws(DataError) in try archive.array(key) }, scale: scale)
    }
}
