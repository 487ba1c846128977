/// Why a network cannot be built: which layer, what was expected, what to do.
public struct ModelError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One sentence for the user.
    public let description: String

    /// An error that says `description`.
    public init(_ description: String) {
        self.description = description
    }
}
