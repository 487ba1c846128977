/// Why a model cannot be brought into or out of another program's file.
package struct InterchangeError: Error, CustomStringConvertible, Equatable {
    /// The sentence for the user.
    package let description: String

    package init(_ description: String) { self.description = description }
}
