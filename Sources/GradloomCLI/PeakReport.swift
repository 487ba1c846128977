import Foundation
import LoomHardware
import LoomKernels
import LoomMeasurement
import LoomReporting
import LoomRuns
import LoomTraining

/// What `gradloom peak` prints: one JSON object, or tables.
struct PeakReport: Encodable {
    let peak: PeakMeasurement
    let request: PeakMeasurement.Request
    let machine: MachineSetup
    /// OpenBLAS's kernels for several types of core, the first as it is used now; empty: it was not asked for them.
    let coreTypes: [BLASCoreType]
    /// Where the ceilings are kept for trainings; nil: they could not be written.
    let cachePath: String?

    enum CodingKeys: String, CodingKey {
        case cpu, blas, workers, placement, rounds, ceilings, bandwidths, latencies, products
        case largeProducts = "large_products"
        case coreTypes = "openblas_core_types"
        case coreTypeAdvice = "openblas_advice"
        case productCeilingGflops = "product_ceiling_gflops"
        case secondsPerFigure = "seconds_per_figure"
        case arrayBytes = "array_bytes"
        case productPrecision = "product_precision"
        case productProvider = "product_provider"
        case productsGflops = "products_gflops"
        case otherWorkFraction = "other_work_fraction"
        case cachePath = "cache_path"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(machine.machine.processor, forKey: .cpu)
        try container.encode(["library": machine.blas.version, "core": machine.blas.coreName], forKey: .blas)
        try container.encode(machine.workers, forKey: .workers)
        try container.encode(machine.workerCPUs, forKey: .placement)
        try container.encode(request.rounds, forKey: .rounds)
        try container.encode(request.secondsPerFigure, forKey: .secondsPerFigure)
        try container.encode(
            peak.ceilings.map { ceiling in
                FigureEntry(
                    "gflops", ceiling.gflops,
                    [
                        "precision": .text(ceiling.format), "instructions": .text(ceiling.instructions.rawValue),
                        "workers": .count(ceiling.workers),
                    ])
            }, forKey: .ceilings)
        try container.encode(
            peak.largeProducts.map { product in
                FigureEntry(
                    "gflops", product.gflops,
                    [
                        "provider": .text(product.provider.rawValue), "precision": .text(product.precision.rawValue),
                        "workers": .count(product.workers), "ceiling_gflops": .number(ceiling(of: product)),
                        "ceiling_fraction": .number(product.gflops.median / ceiling(of: product)),
                    ])
            }, forKey: .largeProducts)
        try container.encode(coreTypes, forKey: .coreTypes)
        try container.encode(coreTypeAdvice, forKey: .coreTypeAdvice)
        try container.encode(
            peak.bandwidths.map { bandwidth in
                FigureEntry(
                    "gigabytes_per_second", bandwidth.gigabytesPerSecond,
                    [
                        "traffic": .text(bandwidth.traffic.rawValue), "workers": .count(bandwidth.workers),
                        "bytes_per_element": .count(bandwidth.traffic.bytesPerElement),
                    ])
            }, forKey: .bandwidths)
        try container.encode(peak.arrayBytes, forKey: .arrayBytes)
        try container.encode(
            peak.latencies.map { latency in
                FigureEntry(
                    "microseconds", latency.microseconds,
                    ["kind": .text(latency.kind.rawValue), "workers": .count(latency.workers)])
            }, forKey: .latencies)
        if !peak.products.isEmpty {
            try container.encode(productFormat, forKey: .productPrecision)
            try container.encode(request.productProvider, forKey: .productProvider)
            try container.encode(
                peak.products.map { ProductEntry(product: $0, plan: request.plan(of: $0)) }, forKey: .products)
            try container.encode(peak.productsGflops, forKey: .productsGflops)
            try container.encode(productCeiling, forKey: .productCeilingGflops)
        }
        try container.encode(peak.otherWorkFraction, forKey: .otherWorkFraction)
        try container.encode(cachePath, forKey: .cachePath)
    }

    private func ceiling(of product: PeakMeasurement.LargeProduct) -> Double {
        peak.ceiling(of: product.provider, product.precision, workers: product.workers)
    }

    /// What the configuration's products are held against.
    private var productCeiling: Double { peak.productCeilingGflops }

    /// The format of the products' factors.
    private var productFormat: OperandFormat {
        request.products.first?.shape.operands ?? OperandFormat(request.productPrecision)
    }

    private var coreTypeAdvice: String? {
        coreTypes.first.flatMap { BLASCoreType.advice(current: $0, others: Array(coreTypes.dropFirst())) }
    }
}

/// A figure's median, lowest and highest under names with their unit, beside what was measured.
private struct FigureEntry: Encodable {
    enum Fact: Encodable {
        case text(String)
        case count(Int)
        case number(Double)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .count(let count): try container.encode(count)
            case .number(let number): try container.encode(number)
            }
        }
    }

    let unit: String
    let figure: PeakFigure
    let facts: [String: Fact]

    init(_ unit: String, _ figure: PeakFigure, _ facts: [String: Fact]) {
        self.unit = unit
        self.figure = figure
        self.facts = facts
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: FigureKey.self)
        for (name, fact) in facts { try container.encode(fact, forKey: FigureKey(name)) }
        try container.encode(figure, unit: unit)
    }
}

private struct ProductEntry: Encodable {
    let product: PeakMeasurement.Product
    let plan: GemmPlanDescription

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: FigureKey.self)
        let shape = product.planned.shape
        try container.encode(product.planned.layer, forKey: FigureKey("layer"))
        try container.encode(shape.role, forKey: FigureKey("kind"))
        try container.encode(product.planned.callsPerStep, forKey: FigureKey("calls_per_step"))
        try container.encode(shape.rows, forKey: FigureKey("rows"))
        try container.encode(shape.columns, forKey: FigureKey("columns"))
        try container.encode(shape.inner, forKey: FigureKey("inner"))
        try container.encode(plan, forKey: FigureKey("plan"))
        try container.encode(product.oneWorkerGflops, unit: "one_worker_gflops")
        try container.encode(product.allWorkersGflops, unit: "all_workers_gflops")
    }
}

private struct FigureKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension KeyedEncodingContainer<FigureKey> {
    fileprivate mutating func encode(_ figure: PeakFigure, unit: String) throws {
        try encode(figure.median, forKey: FigureKey(unit))
        try encode(figure.lowest, forKey: FigureKey(unit + "_lowest"))
        try encode(figure.highest, forKey: FigureKey(unit + "_highest"))
    }
}

// MARK: Text

extension PeakReport {
    /// The tables for a terminal.
    var text: String {
        var parts = [heading, ceilings, largeProducts, bandwidths]
        if !peak.latencies.isEmpty { parts.append(latencies) }
        if !peak.products.isEmpty { parts.append(products) }
        if let others = peak.otherWorkFraction, CPUContention.isDisturbing(others) {
            parts.append(
                "Others had \(share(others, niced: peak.nicedWorkFraction)): measure again when they do not.\n")
        }
        parts.append(
            cachePath.map { "Kept for trainings, the highest of all measurements, in \($0)\n" }
                ?? "Not kept for trainings: the cache cannot be written.\n")
        return parts.joined(separator: "\n")
    }

    private var heading: String {
        let places = machine.workerCPUs.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
        return
            "\(machine.machine.processor), \(machine.workers) worker\(machine.workers == 1 ? "" : "s") on CPU \(places)\n"
    }

    private var ceilings: String {
        var table = Self.table("arithmetic peak", unit: "GFLOP/s")
        for ceiling in peak.ceilings {
            table.append(
                ["\(ceiling.format), \(ceiling.instructions.title)", "\(ceiling.workers)"]
                    + Self.cells(ceiling.gflops, NumberFormat.gigaflops))
        }
        return table.rendered()
    }

    private var largeProducts: String {
        var table = Self.table(
            "products of 512 × 512", unit: "GFLOP/s", more: [.init("of the peak", alignment: .right)])
        for product in peak.largeProducts {
            let provider =
                product.provider == .builtin
                ? "built-in kernels" : "\(machine.blas.version) (\(machine.blas.coreName))"
            table.append(
                ["\(product.precision.rawValue), \(provider)", "\(product.workers)"]
                    + Self.cells(product.gflops, NumberFormat.gigaflops)
                    + [NumberFormat.percentage(product.gflops.median / ceiling(of: product))])
        }
        return table.rendered() + (coreTypeAdvice.map { $0 + "\n" } ?? "")
    }

    private var bandwidths: String {
        var table = Self.table("memory, \(NumberFormat.bytes(peak.arrayBytes)) an array", unit: "GB/s")
        for bandwidth in peak.bandwidths {
            table.append(
                [bandwidth.traffic.label, "\(bandwidth.workers)"]
                    + Self.cells(bandwidth.gigabytesPerSecond, NumberFormat.gigaflops))
        }
        return table.rendered()
    }

    private var latencies: String {
        var table = Self.table("workers meet", unit: "µs")
        for latency in peak.latencies {
            table.append(
                [latency.kind.label, "\(latency.workers)"]
                    + Self.cells(latency.microseconds) { NumberFormat.number($0, significantDigits: 3) })
        }
        return table.rendered()
    }

    private var products: String {
        let hasMany = machine.workers > 1
        var columns: [TextTable.Column] = [
            .init("layer"), .init("product"), .init("calls", unit: "a step", alignment: .right),
            .init("rows × columns × inner", alignment: .right), .init("kernel"), .init("blocks", alignment: .right),
            .init("1 worker", unit: "GFLOP/s", alignment: .right),
        ]
        if hasMany { columns.append(.init("\(machine.workers) workers", unit: "GFLOP/s", alignment: .right)) }
        columns += [
            .init("lowest–highest", unit: "GFLOP/s", alignment: .right), .init("of the peak", alignment: .right),
        ]
        var table = TextTable(columns: columns)
        for product in peak.products {
            let (shape, all) = (product.planned.shape, product.allWorkersGflops)
            let plan = request.plan(of: product)
            var row = [
                product.planned.layer, shape.role.rawValue, "\(product.planned.callsPerStep)",
                "\(shape.rows) × \(shape.columns) × \(shape.inner)", plan.kernelText,
                plan.blockText ?? NumberFormat.missing,
                NumberFormat.gigaflops(product.oneWorkerGflops.median),
            ]
            if hasMany { row.append(NumberFormat.gigaflops(all.median)) }
            row += [
                Self.spread(all, NumberFormat.gigaflops),
                NumberFormat.percentage(all.median / productCeiling),
            ]
            table.append(row)
        }
        let provider = request.productProvider == .builtin ? "built-in kernels" : "OpenBLAS"
        let total = peak.productsGflops.map { total in
            "All products of a step, \(productFormat.rawValue), by \(provider): \(NumberFormat.gigaflops(total)) GFLOP/s"
                + ", \(NumberFormat.percentage(total / productCeiling)) of the arithmetic peak"
        }
        return table.rendered() + (total.map { $0 + "\n" } ?? "")
    }

    private static func table(_ title: String, unit: String, more: [TextTable.Column] = []) -> TextTable {
        TextTable(
            columns: [
                .init(title), .init("workers", alignment: .right), .init("median", unit: unit, alignment: .right),
                .init("lowest–highest", unit: unit, alignment: .right),
            ] + more)
    }

    private static func cells(_ figure: PeakFigure, _ format: (Double) -> String) -> [String] {
        [format(figure.median), spread(figure, format)]
    }

    private static func spread(_ figure: PeakFigure, _ format: (Double) -> String) -> String {
        "\(format(figure.lowest))–\(format(figure.highest))"
    }
}

extension MemoryTraffic {
    fileprivate var label: String {
        switch self {
        case .copy: "copy: reads 4, writes 4 bytes an element"
        case .update: "update: reads 8, writes 4 bytes an element"
        }
    }
}

extension PeakMeasurement.Latency.Kind {
    fileprivate var label: String {
        switch self {
        case .barrier: "barrier"
        case .forkJoin: "fork and join, beside 100 µs of work"
        case .region: "region: fork, check-in, binding, join"
        }
    }
}
