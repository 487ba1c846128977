import Foundation
import TestSupport
import Testing

/// A sample of the points at which a training can crash; `make soak` tries all of them.
@Suite struct CrashPointTests {
    private static func isInstalled(_ tool: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)")
        }
    }

    @Test(.enabled(if: isInstalled("python3") && isInstalled("cc"))) func aSampleOfAllPoints() throws {
        let workplace = try Workplace()
        let script = ProjectFolder.url.appendingPathComponent("Tests/crash-points/run.py").path
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = [
            "python3", script, Workplace.program.path, workplace.path, "--step", "193", "--actions",
            "kill,torn,EIO,flip",
        ]
        let printed = try workplace.printed(by: python)
        #expect(python.terminationStatus == 0 && printed.hasSuffix("all as undisturbed\n"), "\(printed)")
    }
}
