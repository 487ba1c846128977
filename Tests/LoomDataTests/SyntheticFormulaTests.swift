import Foundation
import LoomKernels
import Testing

@testable import LoomData

/// What tasks say, against the same in float64 and the system's functions.
@Suite struct SyntheticFormulaTests {
    private func directions(_ count: Int, of dimensions: Int, stream: UInt32, length: Double) -> [[Double]] {
        let rows = RandomDirections.rows(count, of: dimensions, seed: 1, stream: stream, length: length)
        return (0..<count).map { Array(rows[$0 * dimensions..<($0 + 1) * dimensions]) }
    }

    /// A teacher with an activation of the given mean and deviation, whose outputs are computed here.
    private func checkTeacher(
        _ activation: TeacherActivation, gain: Double, mean: Double, deviation: Double, of function: (Double) -> Double
    ) throws {
        let task = SyntheticDescription(
            task: .teacher, samples: 400, inputs: 12, targets: 2, hidden: [9, 17], activation: activation, gain: gain)
        let (inputs, targets) = try task.rows()
        let layers = [
            directions(9, of: 12, stream: 0, length: gain),
            directions(17, of: 9, stream: 1, length: gain / deviation),
            directions(2, of: 17, stream: 2, length: 1 / deviation),
        ]
        for (x, y) in zip(inputs, targets) {
            let first = layers[0].map { function(dot($0[...], x)) }
            let second = layers[1].map { row in function(dot(row[...], first.map { $0 - mean })) }
            let outputs = layers[2].map { row in dot(row[...], second.map { $0 - mean }) }
            for target in 0..<2 { #expect(abs(outputs[target] - y[target]) < 2e-5) }
        }
    }

    @Test func deepTeachers() throws {
        let gain = 1.5
        try checkTeacher(
            .relu, gain: gain, mean: gain / (2 * Double.pi).squareRoot(),
            deviation: gain * (0.5 - 1 / (2 * Double.pi)).squareRoot(), of: { max(0, $0) })
        try checkTeacher(
            .tanh, gain: gain, mean: 0, deviation: RandomDirections.tanhDeviation(gain: gain), of: Foundation.tanh)
        // E σ = ½, and by the midpoint rule the deviations.
        func deviation(_ function: (Double) -> Double) -> Double {
            let squares = (0..<40_000).reduce(0.0) {
                let z = -10 + (Double($1) + 0.5) / 2000
                return $0 + function(gain * z) * function(gain * z) * exp(-z * z / 2) / 2000
            }
            return (squares / (2 * Double.pi).squareRoot()).squareRoot()
        }
        try checkTeacher(
            .sigmoid, gain: gain, mean: 0.5, deviation: deviation { 1 / (1 + exp(-$0)) - 0.5 },
            of: { 1 / (1 + exp(-$0)) })
        try checkTeacher(.arctan, gain: gain, mean: 0, deviation: deviation(atan), of: atan)
    }

    @Test func thresholdNetworks() throws {
        let task = SyntheticDescription(task: .threshold, samples: 4000, inputs: 5, hidden: [7, 3])
        let (inputs, targets) = try task.rows()
        let layers = [
            directions(7, of: 5, stream: 0, length: 1), directions(3, of: 7, stream: 1, length: 2),
            directions(1, of: 3, stream: 2, length: 2),
        ]
        for (x, y) in zip(inputs, targets) {
            var values = x
            var isClear = true
            for (index, layer) in layers.enumerated() {
                let centered = index == 0 ? values : values.map { $0 - 0.5 }
                let sums = layer.map { dot($0[...], centered) }
                isClear = isClear && sums.allSatisfy { abs($0) > 1e-5 }
                values = sums.map { $0 >= 0 ? 1 : 0 }
            }
            #expect(!isClear || values == y)
        }
        // Half of them ± 4 deviations of 32.
        #expect(abs(targets.reduce(0) { $0 + $1[0] } - 2000) < 130)
    }

    @Test func networksOfTheExercises() throws {
        func step(_ z: Double) -> Double { z >= 0 ? 1 : 0 }
        let intervals = try SyntheticDescription(task: .intervals, samples: 2000).rows()
        for (x, y) in zip(intervals.inputs, intervals.targets) {
            #expect(x[0] > 0 && x[0] < 4)
            #expect(y[0] == step(-step(x[0] - 1) + 2 * step(x[0] - 3) + 0.5))
        }
        #expect(abs(mean(intervals.targets.map { $0[0] }) - 0.5) < 0.05)
        let triangle = try SyntheticDescription(task: .triangle, samples: 2000).rows()
        for (x, y) in zip(triangle.inputs, triangle.targets) {
            #expect(x.allSatisfy { $0 > -0.25 && $0 < 1 })
            // On the rounded sum, as the task decides.
            let beyond = Double(Float(x[0]) + Float(x[1])) - 1
            #expect(y[0] == step(step(x[0]) + step(x[1]) - step(beyond) - 1.5))
        }
        #expect(abs(mean(triangle.targets.map { $0[0] }) - 0.32) < 0.05)
    }

    @Test func rings() throws {
        let (inputs, targets) = try SyntheticDescription(task: .rings, samples: 300, classes: 3, noise: 0).rows()
        for (index, x) in inputs.enumerated() {
            #expect(targets[index][0] == Double(index % 3))
            #expect(abs((x[0] * x[0] + x[1] * x[1]).squareRoot() - Double(index % 3 + 1) / 3) < 1e-6)
        }
        #expect(abs(mean(inputs.map { $0[0] })) < 0.12 && abs(mean(inputs.map { $0[1] })) < 0.12)
    }

    @Test func parity() throws {
        let task = SyntheticDescription(task: .parity, samples: 600, inputs: 5).with { $0.bits = 4 }
        let (inputs, targets) = try task.rows()
        for (x, y) in zip(inputs, targets) {
            #expect(x.allSatisfy { $0 == 1 || $0 == -1 })
            #expect(y[0] == Double(x[..<4].count { $0 == 1 } % 2))
        }
        #expect(Set(inputs).count == 32)
        let moved = try task.with { $0.noise = 0.2 }.rows()
        let noise = zip(inputs.joined(), moved.inputs.joined()).map { $1 - $0 }
        #expect(moved.targets == targets && abs(covariance(noise, noise).squareRoot() - 0.2) < 0.02)
    }

    @Test func mixtures() throws {
        let task = SyntheticDescription(task: .mixture, samples: 6000, clusterStd: 0.01).with { $0.clusters = 4 }
        let (inputs, targets) = try task.rows()
        let centers = BlobsTask(task).centers
        var counts = Array(repeating: 0, count: 12)
        for (x, y) in zip(inputs, targets) {
            let nearest = (0..<12).min { first, second in
                hypot(x[0] - Double(centers[2 * first]), x[1] - Double(centers[2 * first + 1]))
                    < hypot(x[0] - Double(centers[2 * second]), x[1] - Double(centers[2 * second + 1]))
            }!
            #expect(Double(nearest / 4) == y[0])
            counts[nearest] += 1
        }
        // 500 ± 4 deviations of 19 within each class.
        #expect(counts.allSatisfy { abs($0 - 500) < 80 })
    }

    @Test func logistic() throws {
        let task = SyntheticDescription(task: .logistic, samples: 8000, inputs: 6, gain: 2, informative: 4, bias: -1)
        let (inputs, targets) = try task.rows()
        let weights = directions(1, of: 4, stream: 0, length: 2)[0]
        let odds = inputs.map { dot($0[..<4], weights) - 1 }
        let surprise = zip(odds, targets).map { $1[0] - 1 / (1 + exp(-$0)) }
        // Neither too many of class 1 nor too few, nor where the odds are high or low; ± 4 deviations.
        #expect(abs(mean(surprise)) < 4 * 0.4 / 8000.0.squareRoot())
        #expect(abs(mean(zip(surprise, odds).map { $0 * $1 })) < 4 * 0.8 / 8000.0.squareRoot())
    }

    @Test func circuits() throws {
        let impedance = try SyntheticDescription(task: .friedman2, samples: 500).rows()
        let phase = try SyntheticDescription(task: .friedman3, samples: 500).rows()
        #expect(impedance.inputs == phase.inputs)
        let ranges = [0...100, 40 * Double.pi...560 * Double.pi, 0...1, 1...11]
        for (index, x) in impedance.inputs.enumerated() {
            let reactance = x[1] * x[2] - 1 / (x[1] * x[3])
            let expected = hypot(x[0], reactance)
            #expect(abs(impedance.targets[index][0] - expected) < 1e-7 * expected)
            #expect(abs(phase.targets[index][0] - atan(reactance / x[0])) < 3e-7)
        }
        for column in 0..<4 {
            let values = impedance.inputs.map { $0[column] }
            let (low, high) = (ranges[column].lowerBound, ranges[column].upperBound)
            #expect(values.allSatisfy { ranges[column].contains($0) })
            #expect(values.min()! < low + (high - low) * 0.03 && values.max()! > high - (high - low) * 0.03)
        }
    }

    @Test func exponentials() throws {
        let task = SyntheticDescription(
            task: .exponentials, samples: 4000, inputs: 8, targets: 2, hidden: [5], gain: 0.6)
        let (inputs, targets) = try task.rows()
        let exponents = directions(5, of: 8, stream: 0, length: 0.6)
        let factors = directions(2, of: 5, stream: 1, length: 1 / (exp(0.36) - 1).squareRoot())
        for (x, y) in zip(inputs, targets) {
            let terms = exponents.map { exp(dot($0[...], x) - 0.18) }
            for target in 0..<2 {
                let expected = dot(factors[target][...], terms)
                #expect(abs(y[target] - expected) < 1e-5 * (1 + abs(expected)))
            }
        }
        for target in 0..<2 {
            let values = targets.map { $0[target] }
            #expect(abs(covariance(values, values) - 1) < 0.15)
        }
    }

    /// Without distortion, the ink of a pixel is what the distance to the nearest of many points of the strokes says.
    @Test func letters() throws {
        let task = SyntheticDescription(task: .letters, samples: 26, noise: 0).with { $0.distortion = 0 }
        let (images, targets) = try task.rows()
        for (label, image) in images.enumerated() {
            #expect(targets[label][0] == Double(label))
            let points = Glyphs.letters[label].flatMap { stroke in
                (0...400).map { step -> (Double, Double) in
                    let t = Double(step) / 400
                    switch stroke {
                    case .line(let x0, let y0, let x1, let y1): return (x0 + t * (x1 - x0), y0 + t * (y1 - y0))
                    case .arc(let x, let y, let r, let from, let to):
                        let angle = (from + t * (to - from)) * .pi / 180
                        return (x + r * cos(angle), y + r * sin(angle))
                    }
                }
            }
            for pixel in 0..<400 {
                let (x, y) = ((Double(pixel % 20) - 9.5) / 13.5, (Double(pixel / 20) - 9.5) / 13.5)
                let distance = points.map { hypot($0.0 - x, $0.1 - y) }.min()!
                let ink = min(1, max(0, 1.35 - 13.5 * distance))
                #expect(abs(image[pixel] - ink) < 0.02, "\(label) \(pixel)")
            }
        }
    }

    @Test func lettersVary() throws {
        let task = SyntheticDescription(task: .letters, samples: 2600, noise: 0)
        let letters = try task.rows().inputs.enumerated().filter { $0.offset % 26 == 23 }.map(\.element)
        /// The middle of an X's ink.
        func middle(_ image: [Double], _ place: (Int) -> Int) -> Double {
            image.indices.reduce(0) { $0 + image[$1] * Double(place($1)) } / image.reduce(0, +)
        }
        for values in [letters.map { middle($0) { $0 % 20 } }, letters.map { middle($0) { $0 / 20 } }] {
            // Uniform in 9.5 ± 2: deviation 1.15.
            #expect(abs(mean(values) - 9.5) < 0.5 && abs(covariance(values, values).squareRoot() - 1.15) < 0.2)
        }
        let ink = letters.map { $0.reduce(0, +) }
        #expect(covariance(ink, ink).squareRoot() > 0.1 * mean(ink))
        #expect(letters.joined().allSatisfy { (0...1).contains($0) })
    }

    @Test func voices() throws {
        let task = SyntheticDescription(task: .voices, samples: 60, noise: 0)
        let (spectra, targets) = try task.rows()
        func random(
            _ columns: Int, _ stream: UInt32, _ make: (RandomRows, MatrixView<Float>, [UInt64]) -> Void
        ) -> [[Float]] {
            let buffer = AlignedBuffer<Float>(count: 60 * columns, repeating: 0)
            let view = MatrixView(pointer: buffer.pointer, rows: 60, columns: columns, stride: columns)
            make(RandomRows(seed: 1, purpose: .syntheticInputs, subStream: stream), view, Array(0..<60))
            return (0..<60).map { row in (0..<columns).map { view[row, $0] } }
        }
        let voice = random(4, 0) { $0.makeNormals($2, into: $1) }
        let vowel = random(3, 2) { $0.makeUniforms($2, into: $1) }
        for (index, spectrum) in spectra.enumerated() {
            let isSecond = targets[index][0] == 1
            #expect(isSecond == (index % 2 == 1))
            let n = voice[index].map(Double.init)
            let f0 = (isSecond ? 195 : 125) * exp(0.18 * n[0])
            let tract = (isSecond ? 1.15 : 1) * exp(0.06 * n[1])
            let formants = zip([300.0, 900, 2400], [500.0, 1300, 600]).enumerated().map {
                tract * ($1.0 + $1.1 * Double(vowel[index][$0]))
            }
            for (feature, value) in spectrum.enumerated() {
                let f = (Double(feature) + 0.5) * 100 / 3
                let power = zip(formants, [90.0, 130, 200]).reduce(0.001) {
                    $0 + 1 / (1 + pow((f - $1.0) / $1.1, 2))
                }
                let expected = log(power) + 0.8 * cos(2 * .pi * f / f0) + n[2] - (1.5 + 0.3 * n[3]) * f / 1000
                #expect(abs(value - expected) < 2e-6)
            }
        }
    }

    @Test func prices() throws {
        let (inputs, targets) = try SyntheticDescription(task: .prices, samples: 20_000, noise: 0.05).rows()
        let news = zip(inputs, targets).map { $1[0] - $0[4] - 0.6 * ($0[4] - $0[3]) }
        #expect(abs(covariance(news, news).squareRoot() - 0.05) < 0.002 && abs(mean(news)) < 0.002)
        let changes = (1..<5).map { day in inputs.map { $0[day] - $0[day - 1] } }
        for change in changes {
            // The news has nothing to do with what came before, and all days are alike.
            #expect(abs(covariance(news, change)) < 0.05 * 0.0625 * 4 / 20_000.0.squareRoot())
            #expect(abs(covariance(change, change).squareRoot() - 0.0625) < 0.002)
        }
        #expect(abs(covariance(changes[0], changes[1]) / (0.0625 * 0.0625) - 0.6) < 0.03)
        #expect(abs(mean(inputs.map { $0[0] }) - 1) < 0.01)
    }
}
