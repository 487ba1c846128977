import Foundation

/// Files that the kernel writes while they are read: procfs and sysfs.
package enum SystemFile {
    /// The whole text; nil where there is no such file.
    ///
    /// `String(contentsOfFile:)` takes the first short read for the end, and the kernel ends a read wherever the next line
    /// does not fit: of a `/proc/self/mountinfo` or `smaps` above 4 KiB it returns the first 4 KiB.
    package static func text(_ path: String) -> String? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        // An empty file has no bytes to return, and one that cannot be read throws.
        return try? String(decoding: handle.readToEnd() ?? Data(), as: UTF8.self)
    }
}
