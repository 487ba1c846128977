/// The header of a .npy file: element type, order and shape.
///
/// Format: numpy.lib.format, versions 1.0, 2.0 and 3.0
/// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
struct NpyHeader: Sendable, Equatable {
    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// What a header of version 1 can have; only fields with names, which are not read, need more.
    private static let largestTextBytes = 65_535

    let element: ElementType
    let shape: [Int]
    /// Where the elements start, in bytes from the start of the file.
    let dataOffset: Int

    /// The number of elements.
    var elementCount: Int { shape.reduce(1, *) }

    /// Reads the header of `bytes`, the content of the file `path`, and checks that all elements are there.
    init(_ bytes: UnsafeRawBufferPointer, path: String) throws(DataError) {
        guard bytes.starts(with: Self.magic) else {
            if let format = FileFormat.known(bytes) {
                throw DataError(
                    .badData, source: path, problem: "the file is \(format.what), expected a .npy file",
                    remedy: format.remedy)
            }
            throw DataError(
                .badData, source: path, problem: "this is not a .npy file: it doesn't start with \\x93NUMPY",
                remedy: "write it with numpy.save; of an .npz archive, save the array itself")
        }
        let (text, dataOffset) = try Self.text(bytes, path: path)
        // numpy refuses others, too: which of two values were meant is not to be guessed.
        let keys = text.matches(of: /['"](\w+)['"] *:/).map { String($0.1) }
        guard text.hasPrefix("{"), keys.sorted() == ["descr", "fortran_order", "shape"] else {
            throw Self.malformed(
                "the header is no dictionary with the keys descr, fortran_order and shape, each once", path: path)
        }
        let descr = try Self.value("descr", in: text, path: path)
        let order = try Self.value("fortran_order", in: text, path: path)
        self.shape = try Self.shape(try Self.value("shape", in: text, path: path), path: path)
        self.element = try Self.element(descr, path: path)
        self.dataOffset = dataOffset

        // With at most one dimension longer than 1, both orders are the same.
        if order == "True" && shape.filter({ $0 != 1 }).count > 1 {
            throw DataError(
                .badData, source: path, problem: "the array is in Fortran order (column by column)",
                remedy: "save it in C order: numpy.save(path, numpy.ascontiguousarray(x))")
        }
        guard let expected = NumberArray.byteCount(shape, element) else {
            throw Self.malformed("the shape \(shape) is too large", path: path)
        }
        guard bytes.count - dataOffset >= expected else {
            throw DataError(
                .badData, source: path,
                problem: """
                    the file is truncated: shape \(shape) of \(element) needs \(expected) bytes of elements, \
                    \(bytes.count - dataOffset) are there
                    """,
                remedy: "copy or save the file again")
        }
    }

    /// The dictionary's text and where the elements start.
    private static func text(
        _ bytes: UnsafeRawBufferPointer, path: String
    ) throws(DataError) -> (String, Int) {
        guard bytes.count >= 10 else { throw truncatedHeader(path: path) }
        let lengthBytes: Int
        switch bytes[6] {
        case 1: lengthBytes = 2
        case 2, 3: lengthBytes = 4
        default:
            throw DataError(
                .badData, source: path, problem: "format version \(bytes[6]).\(bytes[7]), known are 1 to 3",
                remedy: "save the array with numpy.save")
        }
        let start = 8 + lengthBytes
        guard bytes.count >= start else { throw truncatedHeader(path: path) }
        var length = 0
        for position in (8..<start).reversed() {
            length = length << 8 | Int(bytes[position])
        }
        guard length <= largestTextBytes else {
            throw malformed("the header has \(length) bytes, at most \(largestTextBytes) are expected", path: path)
        }
        guard bytes.count - start >= length else { throw truncatedHeader(path: path) }
        let header = UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])
        return (String(decoding: header, as: UTF8.self), start + length)
    }

    private static func truncatedHeader(path: String) -> DataError {
        DataError(
            .badData, source: path, problem: "the file is truncated: it ends inside its header",
            remedy: "copy or save the file again")
    }

    private static func malformed(_ problem: String, path: String) -> DataError {
        DataError(.badData, source: path, problem: problem, remedy: "save the array with numpy.save")
    }

    /// The text of the value of `key` in a Python dictionary literal, without quotes.
    private static func value(_ key: String, in text: String, path: String) throws(DataError) -> String {
        guard let keyRange = text.firstRange(of: "'\(key)':") ?? text.firstRange(of: "\"\(key)\":") else {
            throw malformed("the header has no '\(key)'", path: path)
        }
        let rest = text[keyRange.upperBound...].drop { $0 == " " }
        switch rest.first {
        case "'", "\"":
            return String(rest.dropFirst().prefix { $0 != rest.first })
        case "(":
            return String(rest.dropFirst().prefix { $0 != ")" })
        case "[":
            throw DataError(
                .badData, source: path, problem: "the array has named fields, expected plain numbers",
                remedy: "save one array of numbers, for example with numpy.column_stack")
        default:
            return String(rest.prefix { $0.isLetter || $0.isNumber })
        }
    }

    private static func shape(_ text: String, path: String) throws(DataError) -> [Int] {
        var shape: [Int] = []
        for part in text.split(separator: ",") {
            let digits = part.filter { $0 != " " }
            if digits.isEmpty { continue }
            guard let extent = Int(digits), extent >= 0 else {
                throw malformed("the header's shape (\(text)) can't be read", path: path)
            }
            shape.append(extent)
        }
        return shape
    }

    private static func element(_ descr: String, path: String) throws(DataError) -> ElementType {
        if let element = ElementType(rawValue: String(descr.drop { "<|=".contains($0) })) { return element }
        if descr.hasPrefix(">"), let element = ElementType(rawValue: String(descr.dropFirst())) {
            if element.byteCount == 1 { return element }
            throw DataError(
                .badData, source: path, problem: "the elements are big-endian (\(descr))",
                remedy: "save little-endian ones: numpy.save(path, x.astype('<\(element.rawValue)'))")
        }
        throw DataError(
            .badData, source: path,
            problem: "elements of type \(descr), expected float32, float64, an integer type or bool",
            remedy: "convert them: numpy.save(path, x.astype('float32'))")
    }
}
