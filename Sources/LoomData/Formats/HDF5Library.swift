import Foundation

/// The HDF Group's library, which is looked for when the first HDF5 file is opened: nothing of it is needed to build Gradloom
/// or to run it without such files.
///
/// The library may be built without locks, so that one call at a time is made, in `alone`.
final class HDF5Library: @unchecked Sendable {
    // Sendable: nothing is changed after `init`, and calls are made by `alone`.

    /// `hid_t`, of the library's versions since 1.10.
    typealias Identifier = Int64
    /// `H5S_ALL`, `H5P_DEFAULT` and `H5E_DEFAULT`.
    static let standard: Identifier = 0
    /// The versions that are looked for first are those of Debian and Ubuntu.
    private static let names = [
        "libhdf5_serial.so.103", "libhdf5_serial.so.310", "libhdf5.so.103", "libhdf5.so.200", "libhdf5.so.310",
        "libhdf5.so.320", "libhdf5_serial.so", "libhdf5.so", "libhdf5.dylib",
    ]

    typealias SetErrorsFunction = @convention(c) (Identifier, UnsafeRawPointer?, UnsafeRawPointer?) -> Int32
    typealias OpenFileFunction = @convention(c) (UnsafePointer<CChar>, UInt32, Identifier) -> Identifier
    typealias ExtentsFunction =
        @convention(c) (Identifier, UnsafeMutablePointer<UInt64>?, UnsafeMutablePointer<UInt64>?) -> Int32
    typealias MakeSpaceFunction = @convention(c) (Int32, UnsafePointer<UInt64>, UnsafePointer<UInt64>?) -> Identifier
    typealias SelectFunction =
        @convention(c) (
            Identifier, Int32, UnsafePointer<UInt64>, UnsafePointer<UInt64>?, UnsafePointer<UInt64>,
            UnsafePointer<UInt64>?
        ) -> Int32
    typealias ReadFunction =
        @convention(c) (Identifier, Identifier, Identifier, Identifier, Identifier, UnsafeMutableRawPointer) -> Int32
    typealias NameByIndexFunction =
        @convention(c) (
            Identifier, UnsafePointer<CChar>, Int32, Int32, UInt64, UnsafeMutablePointer<CChar>?, Int, Identifier
        ) -> Int

    typealias VersionFunction =
        @convention(c) (
            UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<UInt32>
        ) -> Int32

    private let lock = NSLock()
    /// Such as "1.10.8".
    let version: String
    private let setErrors: SetErrorsFunction
    let openFile: OpenFileFunction
    let closeFile: @convention(c) (Identifier) -> Int32
    let openArray: @convention(c) (Identifier, UnsafePointer<CChar>, Identifier) -> Identifier
    let closeArray: @convention(c) (Identifier) -> Int32
    let openGroup: @convention(c) (Identifier, UnsafePointer<CChar>, Identifier) -> Identifier
    let closeGroup: @convention(c) (Identifier) -> Int32
    let space: @convention(c) (Identifier) -> Identifier
    let closeSpace: @convention(c) (Identifier) -> Int32
    let type: @convention(c) (Identifier) -> Identifier
    let closeType: @convention(c) (Identifier) -> Int32
    let typeClass: @convention(c) (Identifier) -> Int32
    let typeSize: @convention(c) (Identifier) -> Int
    let typeSign: @convention(c) (Identifier) -> Int32
    let dimensions: @convention(c) (Identifier) -> Int32
    let extents: ExtentsFunction
    let makeSpace: MakeSpaceFunction
    let select: SelectFunction
    let read: ReadFunction
    let nameByIndex: NameByIndexFunction
    /// The type of a `double` in memory.
    let float64: Identifier

    /// The library; nil where there is none.
    static let shared: HDF5Library? = {
        for name in names {
            if let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL), let library = HDF5Library(handle) { return library }
        }
        return nil
    }()

    /// Calls `body`, alone with the library. What goes wrong is said by whoever calls, in other words than the library
    /// prints: each thread has to say so.
    func alone<Result>(_ body: () -> Result) -> Result {
        lock.withLock {
            _ = setErrors(Self.standard, nil, nil)
            return body()
        }
    }

    private init?(_ handle: UnsafeMutableRawPointer) {
        func symbol<Function>(_ name: String, _: Function.Type) -> Function? {
            dlsym(handle, name).map { unsafeBitCast($0, to: Function.self) }
        }
        typealias Close = @convention(c) (Identifier) -> Int32
        typealias Open = @convention(c) (Identifier, UnsafePointer<CChar>, Identifier) -> Identifier
        typealias Get = @convention(c) (Identifier) -> Identifier
        typealias Start = @convention(c) () -> Int32
        // At the process's end, files may still be open: the library would complain of them.
        if let keepOpen = symbol("H5dont_atexit", Start.self) { _ = keepOpen() }
        guard let start = symbol("H5open", Start.self), start() >= 0,
            let setErrors = symbol("H5Eset_auto2", SetErrorsFunction.self),
            let openFile = symbol("H5Fopen", OpenFileFunction.self),
            let closeFile = symbol("H5Fclose", Close.self), let openArray = symbol("H5Dopen2", Open.self),
            let closeArray = symbol("H5Dclose", Close.self), let openGroup = symbol("H5Gopen2", Open.self),
            let closeGroup = symbol("H5Gclose", Close.self), let space = symbol("H5Dget_space", Get.self),
            let closeSpace = symbol("H5Sclose", Close.self), let type = symbol("H5Dget_type", Get.self),
            let closeType = symbol("H5Tclose", Close.self), let typeClass = symbol("H5Tget_class", Close.self),
            let typeSize = symbol("H5Tget_size", (@convention(c) (Identifier) -> Int).self),
            let typeSign = symbol("H5Tget_sign", Close.self),
            let dimensions = symbol("H5Sget_simple_extent_ndims", Close.self),
            let extents = symbol("H5Sget_simple_extent_dims", ExtentsFunction.self),
            let makeSpace = symbol("H5Screate_simple", MakeSpaceFunction.self),
            let select = symbol("H5Sselect_hyperslab", SelectFunction.self),
            let read = symbol("H5Dread", ReadFunction.self),
            let nameByIndex = symbol("H5Lget_name_by_idx", NameByIndexFunction.self),
            let getVersion = symbol("H5get_libversion", VersionFunction.self),
            let float64 = dlsym(handle, "H5T_NATIVE_DOUBLE_g")
        else { return nil }
        var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
        _ = getVersion(&major, &minor, &release)
        version = "\(major).\(minor).\(release)"
        self.setErrors = setErrors
        (self.openFile, self.closeFile, self.openArray, self.closeArray) = (openFile, closeFile, openArray, closeArray)
        (self.openGroup, self.closeGroup, self.space, self.closeSpace) = (openGroup, closeGroup, space, closeSpace)
        (self.type, self.closeType, self.typeClass, self.typeSize) = (type, closeType, typeClass, typeSize)
        (self.typeSign, self.dimensions, self.extents, self.makeSpace) = (typeSign, dimensions, extents, makeSpace)
        (self.select, self.read, self.nameByIndex) = (select, read, nameByIndex)
        self.float64 = float64.load(as: Identifier.self)
    }
}
