import LoomKernels

/// A part of a letter. Letters are 1 high and about 0.7 wide, around 0; y grows downwards.
enum Stroke: Sendable {
    /// From (x₀, y₀) to (x₁, y₁).
    case line(Double, Double, Double, Double)
    /// Around (x, y) with the radius r, from one angle to another in degrees: 0 is to the right, 90 downwards.
    case arc(Double, Double, Double, from: Double, to: Double)
}

/// The capital letters.
enum Glyphs {
    private static let bowl: [Stroke] = [
        .arc(0, -0.15, 0.35, from: 180, to: 360), .line(-0.35, -0.15, -0.35, 0.15), .line(0.35, -0.15, 0.35, 0.15),
        .arc(0, 0.15, 0.35, from: 0, to: 180),
    ]
    private static let stem = Stroke.line(-0.35, -0.5, -0.35, 0.5)
    private static let top = Stroke.line(-0.35, -0.5, 0.35, -0.5)
    private static let base = Stroke.line(-0.35, 0.5, 0.35, 0.5)
    private static let flag: [Stroke] = [
        stem, .line(-0.35, -0.5, 0.07, -0.5), .arc(0.07, -0.23, 0.27, from: -90, to: 90),
        .line(-0.35, 0.04, 0.07, 0.04),
    ]

    /// A to Z.
    static let letters: [[Stroke]] = [
        [.line(-0.35, 0.5, 0, -0.5), .line(0, -0.5, 0.35, 0.5), .line(-0.22, 0.14, 0.22, 0.14)],
        [
            stem, .line(-0.35, -0.5, 0.05, -0.5), .arc(0.05, -0.25, 0.25, from: -90, to: 90),
            .line(-0.35, 0, 0.1, 0), .arc(0.1, 0.25, 0.25, from: -90, to: 90), .line(-0.35, 0.5, 0.1, 0.5),
        ],
        [
            .arc(0, -0.15, 0.35, from: 180, to: 335), .line(-0.35, -0.15, -0.35, 0.15),
            .arc(0, 0.15, 0.35, from: 25, to: 180),
        ],
        [stem, .line(-0.35, -0.5, -0.12, -0.5), .arc(-0.12, 0, 0.5, from: -90, to: 90), .line(-0.35, 0.5, -0.12, 0.5)],
        [stem, top, .line(-0.35, 0, 0.2, 0), base],
        [stem, top, .line(-0.35, 0, 0.2, 0)],
        [
            .arc(0, -0.15, 0.35, from: 180, to: 335), .line(-0.35, -0.15, -0.35, 0.15),
            .arc(0, 0.15, 0.35, from: 0, to: 180), .line(0.35, 0.15, 0.35, 0.05), .line(0.05, 0.05, 0.35, 0.05),
        ],
        [stem, .line(0.35, -0.5, 0.35, 0.5), .line(-0.35, 0, 0.35, 0)],
        [.line(0, -0.5, 0, 0.5), .line(-0.2, -0.5, 0.2, -0.5), .line(-0.2, 0.5, 0.2, 0.5)],
        [.line(0.25, -0.5, 0.25, 0.22), .arc(-0.03, 0.22, 0.28, from: 0, to: 170)],
        [stem, .line(-0.35, 0.1, 0.35, -0.5), .line(-0.1, -0.11, 0.35, 0.5)],
        [stem, base],
        [
            .line(-0.42, 0.5, -0.42, -0.5), .line(-0.42, -0.5, 0, 0.15), .line(0, 0.15, 0.42, -0.5),
            .line(0.42, -0.5, 0.42, 0.5),
        ],
        [stem, .line(-0.35, -0.5, 0.35, 0.5), .line(0.35, 0.5, 0.35, -0.5)],
        bowl,
        flag,
        bowl + [.line(0.06, 0.2, 0.4, 0.54)],
        flag + [.line(0.02, 0.04, 0.35, 0.5)],
        [.arc(0, -0.25, 0.25, from: 90, to: 335), .arc(0, 0.25, 0.25, from: -90, to: 155)],
        [.line(-0.38, -0.5, 0.38, -0.5), .line(0, -0.5, 0, 0.5)],
        [.line(-0.35, -0.5, -0.35, 0.15), .arc(0, 0.15, 0.35, from: 0, to: 180), .line(0.35, 0.15, 0.35, -0.5)],
        [.line(-0.35, -0.5, 0, 0.5), .line(0, 0.5, 0.35, -0.5)],
        [
            .line(-0.46, -0.5, -0.23, 0.5), .line(-0.23, 0.5, 0, -0.15), .line(0, -0.15, 0.23, 0.5),
            .line(0.23, 0.5, 0.46, -0.5),
        ],
        [.line(-0.35, -0.5, 0.35, 0.5), .line(0.35, -0.5, -0.35, 0.5)],
        [.line(-0.35, -0.5, 0, 0), .line(0.35, -0.5, 0, 0), .line(0, 0, 0, 0.5)],
        [top, .line(0.35, -0.5, -0.35, 0.5), base],
    ]
}

/// A stroke, prepared to find how far away points are.
struct StrokeDistance: Sendable, BitwiseCopyable {
    /// A line's start and vector over its squared length; or an arc's centre and middle direction.
    private let x, y, directionX, directionY: Float
    /// A line's vector; or an arc's first end.
    private let firstX, firstY: Float
    /// An arc's second end.
    private let secondX, secondY: Float
    /// An arc's radius; 0 for a line.
    private let radius: Float
    /// The cosine of half of an arc.
    private let halfCosine: Float

    init(_ stroke: Stroke) {
        switch stroke {
        case .line(let startX, let startY, let endX, let endY):
            let (vectorX, vectorY) = (endX - startX, endY - startY)
            let square = vectorX * vectorX + vectorY * vectorY
            (x, y) = (Float(startX), Float(startY))
            (directionX, directionY) = (Float(vectorX / square), Float(vectorY / square))
            (firstX, firstY) = (Float(vectorX), Float(vectorY))
            (secondX, secondY, radius, halfCosine) = (0, 0, 0, 0)
        case .arc(let centerX, let centerY, let length, let start, let end):
            let middle = ElementaryFunctions.sineAndCosine(turns: (start + end) / 720)
            let first = ElementaryFunctions.sineAndCosine(turns: start / 360)
            let second = ElementaryFunctions.sineAndCosine(turns: end / 360)
            (x, y, radius) = (Float(centerX), Float(centerY), Float(length))
            (directionX, directionY) = (Float(middle.cosine), Float(middle.sine))
            (firstX, firstY) = (Float(length * first.cosine), Float(length * first.sine))
            (secondX, secondY) = (Float(length * second.cosine), Float(length * second.sine))
            halfCosine = Float(ElementaryFunctions.sineAndCosine(turns: (end - start) / 720).cosine)
        }
    }

    /// The squared distance of the point (`pointX`, `pointY`).
    @inline(__always)
    func square(_ pointX: Float, _ pointY: Float) -> Float {
        let (fromX, fromY) = (pointX - x, pointY - y)
        let along = fromX * directionX + fromY * directionY
        if radius == 0 {
            let place = along < 0 ? 0 : along > 1 ? 1 : along
            let (offX, offY) = (fromX - place * firstX, fromY - place * firstY)
            return offX * offX + offY * offY
        }
        let length = (fromX * fromX + fromY * fromY).squareRoot()
        if along >= length * halfCosine { return (length - radius) * (length - radius) }
        let (offX, offY) = (fromX - firstX, fromY - firstY)
        let (otherX, otherY) = (fromX - secondX, fromY - secondY)
        return min(offX * offX + offY * offY, otherX * otherX + otherY * otherY)
    }
}
