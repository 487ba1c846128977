import LoomKernels

extension SyntheticDescription {
    /// `letters`: the pixels of a row, and the rows of an image.
    package static var letterSide: Int { LettersTask.side }
}

/// Images of capital letters: strokes with smooth edges, at random places, angles, sizes and thicknesses.
struct LettersTask: GeneratedTask {
    /// Pixels of a row, and rows of an image.
    static let side = 20

    private let shapes: RandomRows
    private let strokes: [StrokeDistance]
    /// Where each letter's strokes begin, and where the last one's end.
    private let starts: [Int]
    private let distortion: Double
    private let choice: ClassChoice
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        shapes = description.inputRows
        distortion = description.distortion
        choice = ClassChoice(description)
        noise = TaskNoise(description, columns: description.inputs)
        let letters = Glyphs.letters.prefix(description.classes ?? Glyphs.letters.count)
        strokes = letters.joined().map(StrokeDistance.init)
        starts = letters.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    }

    /// The random numbers of a letter's shape: place, angle, slant, size and thickness.
    private static let shapeNumbers = 6
    private var stride: Int { Padding.stride(columns: Self.shapeNumbers, of: Float.self) }

    // The noise takes the place of the shapes.
    var scratchColumns: Int { max(stride, noise.scratchColumns) }

    func make(_ rows: TaskRows) {
        choice.choose(rows)
        let random = MatrixView(
            pointer: rows.scratch, rows: rows.count, columns: Self.shapeNumbers, stride: stride)
        shapes.makeUniforms(rows.indices, into: random)
        strokes.withUnsafeBufferPointer { strokes in
            for row in 0..<rows.count {
                let label = choice.label(rows, row)
                let shape = LetterShape(random.pointer + row * random.stride, distortion: distortion)
                shape.draw(
                    UnsafeBufferPointer(rebasing: strokes[starts[label]..<starts[label + 1]]), into: rows.input(row))
            }
        }
        noise.add(of: rows.indices, to: rows.inputs, scratch: rows.scratch)
    }
}

/// Where the points of a letter lie in an image.
private struct LetterShape {
    /// A pixel's place in the letter: (x, y) = first + column · columnStep + row · rowStep.
    private let firstX, firstY, columnX, columnY, rowX, rowY: Float
    /// Half of a stroke's thickness, and the height of the letter, in pixels.
    private let halfThickness, height: Float

    init(_ random: UnsafePointer<Float>, distortion: Double) {
        func number(_ index: Int, _ largest: Double) -> Double {
            (2 * Double(random[index]) - 1) * largest * distortion
        }
        let (shiftX, shiftY) = (number(0, 2), number(1, 2))
        let (sine, cosine) = ElementaryFunctions.sineAndCosine(turns: number(2, 1.0 / 24))
        let (slant, size, half) = (number(3, 0.2), 13.5 + number(4, 1.5), max(0.3, 0.85 + number(5, 0.35)))
        let middle = Double(LettersTask.side - 1) / 2
        // Turned back, slanted back, and scaled to the height 1.
        (columnX, rowX) = (Float((cosine + slant * -sine) / size), Float((sine + slant * cosine) / size))
        (columnY, rowY) = (Float(-sine / size), Float(cosine / size))
        let (startX, startY) = (-middle - shiftX, -middle - shiftY)
        firstX = Float(((cosine + slant * -sine) * startX + (sine + slant * cosine) * startY) / size)
        firstY = Float((-sine * startX + cosine * startY) / size)
        (halfThickness, height) = (Float(half), Float(size))
    }

    func draw(_ strokes: UnsafeBufferPointer<StrokeDistance>, into pixels: UnsafeMutablePointer<Float>) {
        for row in 0..<LettersTask.side {
            for column in 0..<LettersTask.side {
                let x = firstX + Float(column) * columnX + Float(row) * rowX
                let y = firstY + Float(column) * columnY + Float(row) * rowY
                var square = Float.infinity
                for stroke in strokes { square = min(square, stroke.square(x, y)) }
                // An edge is one pixel wide.
                let ink = halfThickness + 0.5 - square.squareRoot() * height
                pixels[row * LettersTask.side + column] = ink < 0 ? 0 : ink > 1 ? 1 : ink
            }
        }
    }
}
