import Foundation
import Gradloom
import TestSupport
import Testing

/// The tables of speeds are those of the newest comparison on each processor in `Benchmarks/results`.
@Suite struct ComparisonDocumentationTests {
    private struct Record: Decodable {
        struct Workload: Decodable {
            struct Network: Decodable {
                let name: String
                let sizes: [Int]
                let batch: Int
            }
            struct Series: Decodable {
                /// Rounds × turns.
                let samplesPerSecond: [[Double]]
                let peakResidentBytes: [Int]
                enum CodingKeys: String, CodingKey {
                    case samplesPerSecond = "samples_per_second"
                    case peakResidentBytes = "peak_resident_bytes"
                }
            }
            let workload: Network
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

    private static let root = ProjectFolder.url

    private func newestOfEachProcessor() throws -> [Record] {
        let results = Self.root.appending(path: "Benchmarks/results")
        let names = try FileManager.default.contentsOfDirectory(atPath: results.path).filter { $0.hasSuffix(".json") }
        let records = try names.map {
            try JSONDecoder().decode(Record.self, from: Data(contentsOf: results.appending(path: $0)))
        }
        return Dictionary(grouping: records, by: \.processor).values.compactMap { $0.max { $0.date < $1.date } }
    }

    /// The page of the comparison has a table for every processor, README.md has one of them in short.
    @Test(arguments: ["README.md", "Benchmarks/peers/README.md"])
    func tablesAreThoseOfTheNewestComparisons(path: String) throws {
        let document = try Document(path)
        let records = try newestOfEachProcessor()
        #expect(!records.isEmpty)
        let sections = document.text.components(separatedBy: "<!-- comparison on ").dropFirst()
        #expect(sections.count == (document.path == Document.readme.path ? 1 : records.count))
        for section in sections {
            let processor = try #require(section.components(separatedBy: " starts -->").first)
            let record = try #require(records.first { $0.processor == processor }, "\(processor)")
            let lines = try #require(section.components(separatedBy: "<!-- comparison ends -->").first)
                .split(separator: "\n").filter { $0.hasPrefix("| ") }.map(cells)
            try check(lines.dropFirst(2), under: #require(lines.first), of: record)
            if document.path != Document.readme.path { #expect(document.text.contains(record.date)) }
        }
    }

    private func cells(_ line: Substring) -> [String] {
        line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private func check(_ rows: some Collection<[String]>, under head: [String], of record: Record) throws {
        #expect(rows.count == record.workloads.count)
        for (row, workload) in zip(rows, record.workloads) {
            #expect(row.count == head.count)
            for (cell, column) in zip(row, head) {
                try check(cell, of: column, of: workload)
            }
        }
    }

    /// Only what is written in full here may be a column.
    private func check(_ cell: String, of column: String, of workload: Record.Workload) throws {
        let own = try #require(workload.series["gradloom"])
        let what = Comment(rawValue: "\(workload.workload.name), \(column)")
        switch column {
        case "workload": #expect(cell == workload.workload.name)
        case "network": #expect(cell == workload.workload.sizes.map(String.init).joined(separator: "-"), what)
        case "batch": #expect(cell.replacing(",", with: "") == "\(workload.workload.batch)", what)
        case "samples/s": #expect(abs(speed(cell) / median(own.samplesPerSecond.map(median)) - 1) < 0.006, what)
        case "of ceiling":
            #expect(cell == String(format: "%.0f %%", 100 * (workload.ceilingFraction["gradloom"] ?? 0)), what)
        case "peak RSS, MiB":
            let most = try #require(own.peakResidentBytes.max())
            #expect(cell == String(format: "%.0f", Double(most) / 1_048_576), what)
        default:
            let peer = try #require(Self.peers[column], what)
            guard let series = workload.series[peer] else {
                #expect(cell == "–", what)
                return
            }
            let ratio = median(zip(own.samplesPerSecond, series.samplesPerSecond).map { median(zip($0, $1).map(/)) })
            #expect(cell == String(format: "%.2f", ratio), what)
        }
    }

    private static let peers = [
        "÷ PyTorch": "torch", "÷ torch.compile": "torch-compile", "÷ JAX jit": "jax", "÷ JAX jit, scan": "jax-scan",
        "÷ scikit-learn": "sklearn",
    ]

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
