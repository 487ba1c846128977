import Foundation
import Testing

/// The README's tables of speeds are those of the newest comparison on each processor in `Benchmarks/results`.
@Suite struct ComparisonDocumentationTests {
    private struct Record: Decodable {
        struct Workload: Decodable {
            struct Name: Decodable { let name: String }
            struct Series: Decodable {
                /// Rounds × turns.
                let samplesPerSecond: [[Double]]
                let peakResidentBytes: [Int]
                enum CodingKeys: String, CodingKey {
                    case samplesPerSecond = "samples_per_second"
                    case peakResidentBytes = "peak_resident_bytes"
                }
            }
            let workload: Name
            let series: [String: Series]
            let ceilingFraction: [String: Double]
            enum CodingKeys: String, CodingKey {
                case workload, series
                case ceilingFraction = "ceiling_fraction"
            }
        }
        let date: String
        let processor: String
        let workloads: [Workload]
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func newestOfEachProcessor() throws -> [Record] {
        let results = Self.root.appending(path: "Benchmarks/results")
        let names = try FileManager.default.contentsOfDirectory(atPath: results.path).filter { $0.hasSuffix(".json") }
        let records = try names.map {
            try JSONDecoder().decode(Record.self, from: Data(contentsOf: results.appending(path: $0)))
        }
        return Dictionary(grouping: records, by: \.processor).values.compactMap { $0.max { $0.date < $1.date } }
    }

    @Test func theReadmeShowsTheNewestComparisonOnEachProcessor() throws {
        let readme = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
        let records = try newestOfEachProcessor()
        #expect(!records.isEmpty)
        #expect(readme.components(separatedBy: "<!-- comparison on ").count == records.count + 1)
        for record in records {
            let sections = readme.components(separatedBy: "<!-- comparison on \(record.processor) starts -->")
            try #require(sections.count == 2, "one table for \(record.processor)")
            let rows = try #require(sections[1].components(separatedBy: "<!-- comparison ends -->").first)
                .split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2)
            #expect(readme.contains(record.date))
            try check(rows.map(String.init), of: record)
        }
    }

    private func check(_ rows: [String], of record: Record) throws {
        #expect(rows.count == record.workloads.count)
        for (row, workload) in zip(rows, record.workloads) {
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let own = try #require(workload.series["gradloom"])
            #expect(cells[0] == workload.workload.name)
            #expect(abs(speed(cells[1]) / median(own.samplesPerSecond.map(median)) - 1) < 0.006, "\(row)")
            let share = String(format: "%.0f %%", 100 * (workload.ceilingFraction["gradloom"] ?? 0))
            #expect(cells[2] == share, "\(row)")
            for (cell, peer) in zip(cells[3...], ["torch", "torch-compile", "jax", "jax-scan", "sklearn"]) {
                guard let peer = workload.series[peer] else {
                    #expect(cell == "–")
                    continue
                }
                let ratio = median(zip(own.samplesPerSecond, peer.samplesPerSecond).map { median(zip($0, $1).map(/)) })
                #expect(cell == String(format: "%.2f", ratio), "\(row)")
            }
        }
    }

    private func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// "31.2 M" as a number.
    private func speed(_ text: String) -> Double {
        let parts = text.split(separator: " ")
        let factors = ["k": 1e3, "M": 1e6, "G": 1e9]
        return (Double(parts[0]) ?? .nan) * (parts.count > 1 ? factors[String(parts[1])] ?? .nan : 1)
    }
}
