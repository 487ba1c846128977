import LoomModel

/// What was asked for does not exist, or is too much: a sample, a layer, an element of a tensor.
public struct RequestError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One sentence for the user: what was asked for, what there is, what to do.
    public let description: String

    /// An error that says `description`.
    public init(_ description: String) {
        self.description = description
    }

    /// An error for the unknown `kind` (such as "layer") `name`, with the nearest of `known` or all of them.
    static func unknown(_ kind: String, _ name: String, known: [String]) -> RequestError {
        let nearest = NearestName.find(name, in: known)
        let advice = nearest.map { "did you mean '\($0)'?" } ?? "expected \(known.alternatives)"
        return RequestError("there is no \(kind) '\(name)'; \(advice)")
    }
}
