import CKernels

/// How a backend carries a product out, for people and machines to read.
public struct GemmPlanDescription: Sendable, Equatable, Encodable {
    /// The loops that run.
    public enum Kernel: String, Sendable, Codable {
        /// tiles of the result in registers, its columns in the lanes of vectors
        case tiles
        /// the same with the result's rows in the lanes
        case transposedTiles = "transposed_tiles"
        /// few columns: the inner dimension in the lanes
        case dot
        /// packed blocks of 32 × 32 in bfloat16
        case packedBlocks = "packed_blocks"
        /// another library, which does not tell
        case library
    }

    /// What stands between a run and its multiply-adds.
    public enum Operand: String, Sendable, Codable {
        /// the first factor of the loops, in panels' rows
        case a
        /// the second one, in panels
        case b
        /// the panel of B after the one that is multiplied
        case nextPanel = "next_panel"
        /// the result
        case c
    }

    /// Who multiplies.
    public let backend: GemmBackend
    /// What runs.
    public let kernel: Kernel
    /// Rows and columns of the largest tile; with `transposedTiles`, of the result's transpose. Nil of other kernels, as all
    /// that follows.
    public let tileRows: Int?
    /// Columns of the widest tile: a panel's width.
    public let tileColumns: Int?
    /// Rows that meet all panels before the next rows do.
    public let rowBlock: Int?
    /// The part of the inner dimension between two visits to the result. It decides bits.
    public let innerBlock: Int?
    /// What is rearranged in scratch memory.
    public let packs: [Operand]?
    /// What is prefetched.
    public let prefetches: [Operand]?
    /// The tuning table that the numbers are from.
    public let tuning: String?

    enum CodingKeys: String, CodingKey {
        case backend, kernel, packs, prefetches, tuning
        case tileRows = "tile_rows"
        case tileColumns = "tile_columns"
        case rowBlock = "row_block"
        case innerBlock = "inner_block"
    }

    /// The kernel and its tile: `tiles 8 × 48`.
    public var kernelText: String {
        switch (kernel, tileRows, tileColumns) {
        case (.tiles, let rows?, let columns?): "tiles \(rows) × \(columns)"
        case (.transposedTiles, let rows?, let columns?): "transposed tiles \(rows) × \(columns)"
        case (.packedBlocks, let rows?, let columns?): "packed blocks \(rows) × \(columns)"
        case (.library, _, _): backend.rawValue
        default: kernel.rawValue
        }
    }

    /// The blocks of rows and of the inner dimension: `256 × 512`.
    public var blockText: String? {
        guard let rowBlock, let innerBlock else { return nil }
        return "\(rowBlock) × \(innerBlock)"
    }
}

extension GemmBackend {
    /// How this backend would carry `shape` out on this machine.
    public func describePlan(of shape: GemmShape) -> GemmPlanDescription {
        let plan =
            switch shape.precision {
            case .float32: prepare(shape, of: Float.self).plan
            case .float64: prepare(shape, of: Double.self).plan
            }
        return GemmPlanDescription(self, plan)
    }
}

extension GemmPlanDescription {
    /// How a product of packed factors is carried out.
    package init(packed shape: GemmShape) {
        backend = .builtin
        kernel = .packedBlocks
        let side = Int(LOOM_BF16_SIDE)
        (tileRows, tileColumns) = (side, side)
        rowBlock = min(shape.rows, side * Int(loom_bf16_group_blocks()))
        innerBlock = min(shape.inner, side * Int(loom_bf16_panel_blocks()))
        (packs, prefetches, tuning) = (nil, nil, nil)
    }

    init(_ backend: GemmBackend, _ plan: loom_gemm_plan) {
        self.backend = backend
        kernel =
            switch plan.kernel {
            case LOOM_GEMM_TILES: .tiles
            case LOOM_GEMM_TILES_TRANSPOSED: .transposedTiles
            case LOOM_GEMM_DOT: .dot
            default: .library
            }
        let hasTiles = kernel == .tiles || kernel == .transposedTiles
        let shape = plan.shape
        let tilings = shape.rows < plan.row_block ? plan.tiling.1 : plan.tiling.0
        let tiling = plan.wider_panels > 0 ? tilings.1 : tilings.0
        tileRows = hasTiles ? Int(tiling.rows) + (tiling.taller > 0 ? 1 : 0) : nil
        tileColumns =
            hasTiles ? Int(plan.lanes) * (Int(plan.panel_vectors) + (plan.wider_panels > 0 ? 1 : 0)) : nil
        rowBlock = hasTiles ? Int(min(shape.rows, plan.row_block)) : nil
        innerBlock = hasTiles ? Int(min(shape.inner, loom_gemm_inner_block())) : nil
        let packed: [(Bool, Operand)] = [
            (plan.copies_a, .a), (plan.packs_b || plan.packs_b_with_first_tile, .b),
        ]
        let prefetched: [(Bool, Operand)] = [
            (plan.prefetches_a, .a), (plan.prefetches_b, .b), (plan.prefetches_next_panel, .nextPanel),
            (plan.prefetches_c, .c),
        ]
        packs = hasTiles ? packed.filter(\.0).map(\.1) : nil
        prefetches = hasTiles ? prefetched.filter(\.0).map(\.1) : nil
        tuning =
            backend == .builtin
            ? String(cString: loom_gemm_tuning_of(loom_active_instruction_set()).pointee.name) : nil
    }
}
