/// Names as messages list them.
package enum NameList {
    /// The first twenty of `names`.
    package static func text(_ names: [String]) -> String {
        names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
    }
}
