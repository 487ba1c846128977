import Foundation
import LoomKernels

/// An open HDF5 file.
package final class HDF5File: @unchecked Sendable {
    // Sendable: whoever uses the identifier is alone with the library.

    let path: String
    let library: HDF5Library
    let identifier: HDF5Library.Identifier

    /// Opens the file at `path`.
    /// - Throws: `DataError` for a file that is missing or of another format, and where the library is.
    package init(path: String) throws(DataError) {
        let file = try InputFile.stored(path)
        let magic: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
        // Behind a block of the user's own the file begins at a power of two from 512 on.
        let isHDF5 = ([0] + (9..<30).map { 1 << $0 }).contains { start in
            start < file.bytes.count && UnsafeRawBufferPointer(rebasing: file.bytes[start...]).starts(with: magic)
        }
        guard isHDF5 else {
            let format = FileFormat.known(file.bytes)
            throw DataError(
                .badData, source: path,
                problem: format.map { "the file is \($0.what), expected an HDF5 file" } ?? "this is not an HDF5 file",
                remedy: format?.remedy ?? "write it with h5py")
        }
        guard let library = HDF5Library.shared else {
            throw DataError(
                .badConfiguration, source: path,
                problem: "HDF5 files are read with libhdf5, which was not found on this machine",
                remedy: "install it (Debian and Ubuntu: sudo apt-get install libhdf5-dev)")
        }
        self.path = path
        self.library = library
        // 0: for reading alone.
        identifier = library.alone { library.openFile(path, 0, HDF5Library.standard) }
        guard identifier >= 0 else {
            throw DataError(
                .badData, source: path, problem: "the HDF5 file is damaged or truncated, or another program writes it",
                remedy: "close it there, or copy it again")
        }
    }

    deinit { _ = library.alone { library.closeFile(identifier) } }

    /// The data sets of the file, at most a hundred of them, with their groups: `train/x`.
    package func names() -> [String] {
        library.alone {
            var names: [String] = []
            addNames(of: "/", prefix: "", depth: 0, to: &names)
            return names
        }
    }

    private func addNames(of group: String, prefix: String, depth: Int, to names: inout [String]) {
        // Links can make circles.
        guard depth < 8 else { return }
        for index in 0..<1000 {
            guard names.count < 100 else { return }
            var buffer = [CChar](repeating: 0, count: 512)
            // 0, 0: by their names, ascending.
            let length = library.nameByIndex(
                identifier, group, 0, 0, UInt64(index), &buffer, buffer.count, HDF5Library.standard)
            guard length >= 0, length < buffer.count else { return }
            let name = prefix + String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
            let array = library.openArray(identifier, name, HDF5Library.standard)
            if array >= 0 {
                _ = library.closeArray(array)
                names.append(name)
                continue
            }
            let child = library.openGroup(identifier, name, HDF5Library.standard)
            guard child >= 0 else { continue }
            _ = library.closeGroup(child)
            addNames(of: name, prefix: name + "/", depth: depth + 1, to: &names)
        }
    }

    /// The data set `name`.
    /// - Throws: `DataError`, with the names of those that exist where there is none of that name.
    package func array(_ name: String) throws(DataError) -> HDF5Array { try HDF5Array(self, name) }
}

/// A data set of an HDF5 file, read by blocks of rows, contiguous, chunked or compressed.
package final class HDF5Array: RowArray, @unchecked Sendable {
    // Sendable: whoever uses the identifier is alone with the library.

    /// The path, and the data set's name.
    package let name: String
    /// The extents of its dimensions.
    package let shape: [Int]
    /// What its elements are.
    package let element: ElementType
    private let file: HDF5File
    private let identifier: HDF5Library.Identifier
    private var library: HDF5Library { file.library }

    fileprivate init(_ file: HDF5File, _ key: String) throws(DataError) {
        let library = file.library
        self.file = file
        name = "\(file.path) (\(key))"
        let identifier = library.alone { library.openArray(file.identifier, key, HDF5Library.standard) }
        guard identifier >= 0 else {
            let names = file.names()
            throw DataError(
                .badData, source: file.path, problem: "there is no data set '\(key)'",
                remedy: names.isEmpty ? "write one with h5py" : "the data sets are: \(NameList.text(names))")
        }
        self.identifier = identifier
        let (shape, element) = library.alone { Self.description(of: identifier, library) }
        self.shape = shape
        self.element = element ?? .float64
        guard element != nil else {
            throw DataError(
                .badData, source: name, problem: "its elements are no numbers, or of a size that is not read",
                remedy: "write it as float32, float64 or integers of 8 to 64 bits")
        }
        guard !shape.isEmpty, NumberArray.columnCount(shape) != nil else {
            throw DataError(
                .badData, source: name, problem: "its shape is \(shape), expected samples × features",
                remedy: "write it with one row for each sample")
        }
    }

    deinit { _ = library.alone { library.closeArray(identifier) } }

    private static func description(
        of identifier: HDF5Library.Identifier, _ library: HDF5Library
    ) -> (shape: [Int], element: ElementType?) {
        let (space, type) = (library.space(identifier), library.type(identifier))
        defer {
            _ = library.closeSpace(space)
            _ = library.closeType(type)
        }
        let element = element(of: type, library)
        // H5S_MAX_RANK
        var extents = [UInt64](repeating: 0, count: 32)
        let count = library.dimensions(space)
        guard (1...32).contains(count), library.extents(space, &extents, nil) == count else { return ([], element) }
        return (extents.prefix(Int(count)).map { Int(clamping: $0) }, element)
    }

    private static func element(of type: HDF5Library.Identifier, _ library: HDF5Library) -> ElementType? {
        let isSigned = library.typeSign(type) != 0
        // 0: whole numbers; 1: floating point; 8: enumerations, as which h5py keeps bool.
        return switch (library.typeClass(type), library.typeSize(type)) {
        case (0, 1), (8, 1): isSigned ? .int8 : .uint8
        case (0, 2): isSigned ? .int16 : .uint16
        case (0, 4): isSigned ? .int32 : .uint32
        case (0, 8): isSigned ? .int64 : .uint64
        case (1, 2), (1, 4): .float32
        case (1, 8): .float64
        default: nil
        }
    }

    /// Reads runs of neighbouring rows, one at a time.
    package func read(rows: ArraySlice<UInt64>, into destination: MatrixView<Double>) throws(DataError) {
        var position = rows.startIndex
        while position < rows.endIndex {
            var end = position + 1
            while end < rows.endIndex, rows[end] == rows[end - 1] + 1 { end += 1 }
            let target = destination.rows(position - rows.startIndex..<end - rows.startIndex)
            guard library.alone({ readRun(from: Int(rows[position]), into: target) }) else {
                throw DataError(
                    .badData, source: name, place: "rows \(rows[position])…\(rows[end - 1]) (counted from 0)",
                    problem:
                        "libhdf5 cannot read them: the file is damaged, or compressed by a filter that is not here",
                    remedy: "copy the file again, or write it with gzip or without compression")
            }
            position = end
        }
    }

    private func readRun(from row: Int, into target: MatrixView<Double>) -> Bool {
        let rest = shape.dropFirst().map { UInt64($0) }
        let start = [UInt64(row)] + rest.map { _ in 0 }
        let count = [UInt64(target.rows)] + rest
        let space = library.space(identifier)
        // One row of memory each, as far apart as the destination's.
        let memory = library.makeSpace(2, [UInt64(target.rows), UInt64(target.stride)], nil)
        defer {
            _ = library.closeSpace(space)
            _ = library.closeSpace(memory)
        }
        // 0: H5S_SELECT_SET.
        guard space >= 0, memory >= 0, library.select(space, 0, start, nil, count, nil) >= 0,
            library.select(memory, 0, [0, 0], nil, [UInt64(target.rows), UInt64(target.columns)], nil) >= 0
        else { return false }
        return library.read(identifier, library.float64, memory, space, HDF5Library.standard, target.pointer) >= 0
    }
}

extension ArraySource {
    /// The data sets `inputs` and `targets` (nil to predict) of an HDF5 file. Every number of the inputs is multiplied with
    /// `scale`.
    ///
    /// - Throws: `DataError`.
    package init(hdf5 path: String, inputs: String, targets: String?, scale: Double = 1) throws(DataError) {
        let file = try HDF5File(path: path)
        try self.init(
            inputs: file.array(inputs),
            targets: targets.map { name throws(DataError) in try file.array(name) }, scale: scale)
    }
}
