import LoomReference

/// Which samples of a configuration's data are taken: rows of its source, counted from 0. A validation part is not kept
/// apart.
public enum SampleSelection: Sendable, Equatable {
    /// one sample
    case one(Int)
    /// all samples, refused where they are more than `limit`; the message ends with what to do instead
    case all(limit: Int, instead: String = "")
    /// the first samples, at most so many
    case first(Int)

    /// The rows of a source of `count` samples.
    /// - Throws: `RequestError` for a sample that does not exist, and for more samples than the limit.
    func rows(count: Int) throws(RequestError) -> Range<Int> {
        switch self {
        case .one(let index):
            guard (0..<count).contains(index) else {
                throw RequestError(
                    "there is no sample \(index): the data have \(count) sample\(count == 1 ? "" : "s"), counted from 0"
                )
            }
            return index..<index + 1
        case .all(let limit, let instead):
            guard count <= limit else {
                throw RequestError(
                    "the data have \(count) samples, which is more than \(limit); choose one with --sample 0 … "
                        + "--sample \(count - 1)" + (instead.isEmpty ? "" : ", or \(instead)"))
            }
            return 0..<count
        case .first(let limit):
            return 0..<min(limit, count)
        }
    }
}
