import Foundation

/// How much is tried.
public enum Effort {
    /// `make soak`: minutes for a test that otherwise takes seconds.
    public static let isSoak = ProcessInfo.processInfo.environment["GRADLOOM_SOAK"] == "1"
}
