import Testing

@testable import LoomReporting

@Suite struct TextTableTests {
    @Test func alignsColumnsUnderARuledHeader() {
        var table = TextTable(columns: [
            .init("phase"), .init("time", unit: "µs", alignment: .right), .init("remark"),
        ])
        table.append(["shard", "102.4", ""])
        table.append(["slice phase", "9", "slow"])
        #expect(
            table.rendered(indent: 2) == """
                  phase         time  remark
                                  µs
                  ───────────  ─────  ──────
                  shard        102.4
                  slice phase      9  slow

                """)
    }

    @Test func leavesAnEmptyHeaderOut() {
        var table = TextTable(columns: [.init(""), .init("")])
        table.append(["a", "b"])
        #expect(table.rendered() == "a  b\n")
    }

    @Test func countsColumnsNotCharacters() {
        #expect("µs é 層".terminalWidth == 7)
        var table = TextTable(columns: [.init("n"), .init("v")])
        table.append(["層", "1"])
        table.append(["é", "2"])
        #expect(table.rendered() == "n   v\n──  ─\n層  1\né   2\n")
    }

    @Test(arguments: [(0, ""), (1, "…"), (3, "ab…"), (4, "abcd"), (9, "abcd")])
    func truncates(columns: Int, text: String) {
        #expect("abcd".truncated(toTerminalWidth: columns) == text)
    }
}
