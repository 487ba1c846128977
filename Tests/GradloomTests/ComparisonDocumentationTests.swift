import Foundation
import GradloomInternals
import TestSupport
import Testing

/// The tables of speeds are those of the newest comparison on each processor, in each precision, in `Benchmarks/results`.
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
        /// Comparisons of before there was a choice don't have it: they are in float32.
        let precision: String?
        let workloads: [Workload]

        /// What the comment above a table names.
        var place: String { isMixed ? "\(processor) with bfloat16" : processor }
        var isMixed: Bool { precision == "mixed_bfloat16" }
        /// The trainer that others are compared with.
        var own: String { isMixed ? "gradloom-bf16" : "gradloom" }
    }

    private static let root = ProjectFolder.url

    private func newestOfEachPlace() throws -> [Record] {
        let results = Self.root.appending(path: "Benchmarks/results")
        let names = try FileManager.default.contentsOfDirectory(atPath: results.path).filter {
            $0.hasPrefix("peers-") && $0.hasSuffix(".json")
        }
        let records = try names.map {
            try JSONDecoder().decode(Record.self, from: Data(contentsOf: results.appending(path: $0)))
        }
        return Dictionary(grouping: records, by: \.place).values.compactMap { $0.max { $0.date < $1.date } }
    }

    /// The page of the comparison has a table for every processor and precision, README.md has one for each precision in short.
    @Test(arguments: ["README.md", "Benchmarks/peers/README.md"])
    func tablesAreThoseOfTheNewestComparisons(path: String) throws {
        let document = try Document(path)
        let records = try newestOfEachPlace()
        #expect(!records.isEmpty)
        let sections = document.text.components(separatedBy: "<!-- comparison on ").dropFirst()
        let places = try sections.map { try #require($0.components(separatedBy: " starts -->").first) }
        let shown = try places.map { place in try #require(records.first { $0.place == place }, "\(place)") }
        if document.path == Document.readme.path {
            #expect(shown.map(\.own).sorted() == Set(records.map(\.own)).sorted())
        } else {
            #expect(places.sorted() == records.map(\.place).sorted())
        }
        for (section, record) in zip(sections, shown) {
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
                try check(cell, of: column, of: workload, by: record.own)
            }
        }
    }

    /// Only what is written in full here may be a column.
    private func check(_ cell: String, of column: String, of workload: Record.Workload, by trainer: String) throws {
        let own = try #require(workload.series[trainer])
        let what = Comment(rawValue: "\(workload.workload.name), \(column)")
        switch column {
        case "workload": #expect(cell == workload.workload.name)
        case "network": #expect(cell == workload.workload.sizes.map(String.init).joined(separator: "-"), what)
        case "batch": #expect(cell.replacing(",", with: "") == "\(workload.workload.batch)", what)
        case "samples/s": #expect(abs(speed(cell) / median(own.samplesPerSecond.map(median)) - 1) < 0.006, what)
        case "of ceiling":
            #expect(cell == String(format: "%.0f %%", 100 * (workload.ceilingFraction[trainer] ?? 0)), what)
        case "peak RSS, MiB":
            let most = try #require(own.peakResidentBytes.max())
            #expect(cell == String(format: "%.0f", Double(most) / 1_048_576), what)
        default:
            let other = try #require(Self.others[column], what)
            guard let series = workload.series[other] else {
                #expect(cell == "–", what)
                return
            }
            let ratio = median(zip(own.samplesPerSecond, series.samplesPerSecond).map { median(zip($0, $1).map(/)) })
            #expect(cell == String(format: "%.2f", ratio), what)
        }
    }

    private static let others = [
        "÷ PyTorch": "torch", "÷ torch.compile": "torch-compile", "÷ JAX jit": "jax", "÷ JAX jit, scan": "jax-scan",
        "÷ scikit-learn": "sklearn", "÷ Gradloom, float32": "gradloom", "÷ PyTorch, autocast": "torch-bf16",
        "÷ torch.compile, autocast": "torch-compile-bf16", "÷ PyTorch, medium": "torch-medium",
        "÷ torch.compile, medium": "torch-compile-medium", "÷ JAX jit, bfloat16": "jax-bf16",
        "÷ JAX jit, scan, bfloat16": "jax-scan-bf16",
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
