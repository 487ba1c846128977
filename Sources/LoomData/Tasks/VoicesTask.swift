import LoomKernels

/// Logarithmic spectra of vowels, spoken by one of two speakers: the harmonics of a fundamental frequency below an envelope
/// of three formants. Speakers differ in the fundamental frequency and in the length of the vocal tract, which scales the
/// formants; both overlap.
struct VoicesTask: GeneratedTask {
    /// Values of a spectrum.
    static let features = 120
    /// The distance of two values, and twice the first one's frequency, in hertz.
    private static let spacing = 4000.0 / 120

    /// What is typical of a speaker.
    private struct Speaker {
        /// In hertz.
        let fundamental: Double
        /// The factor of all formants.
        let tract: Double
    }
    private static let speakers = (Speaker(fundamental: 125, tract: 1), Speaker(fundamental: 195, tract: 1.15))
    /// The lowest and the highest formants of the first speaker's vowels, and their bandwidths, in hertz.
    private static let formants: [(low: Double, high: Double, bandwidth: Double)] = [
        (300, 800, 90), (900, 2200, 130), (2400, 3000, 200),
    ]

    private let voices: RandomRows
    private let vowels: RandomRows
    private let choice: ClassChoice
    private let noise: TaskNoise

    init(_ description: SyntheticDescription) {
        voices = description.inputRows
        vowels = RandomRows(
            seed: description.seed, purpose: .syntheticInputs, subStream: SyntheticDescription.SubStream.vowels)
        choice = ClassChoice(description)
        noise = TaskNoise(description, columns: description.inputs)
    }

    private var stride: Int { Padding.stride(columns: 4, of: Float.self) }

    // The noise takes the place of what makes a voice.
    var scratchColumns: Int { max(2 * stride, noise.scratchColumns) }

    func make(_ rows: TaskRows) {
        choice.choose(rows)
        let voice = MatrixView(pointer: rows.scratch, rows: rows.count, columns: 4, stride: stride)
        let vowel = MatrixView(
            pointer: rows.scratch + rows.count * stride, rows: rows.count, columns: 3, stride: stride)
        voices.makeNormals(rows.indices, into: voice)
        vowels.makeUniforms(rows.indices, into: vowel)
        for row in 0..<rows.count {
            let speaker = choice.label(rows, row) == 0 ? Self.speakers.0 : Self.speakers.1
            Self.draw(
                speaker, voice: voice.pointer + row * stride, vowel: vowel.pointer + row * stride,
                into: rows.input(row))
        }
        noise.add(of: rows.indices, to: rows.inputs, scratch: rows.scratch)
    }

    /// `voice`: normal numbers for fundamental, tract, loudness and slope; `vowel`: uniform ones for the formants.
    private static func draw(
        _ speaker: Speaker, voice: UnsafePointer<Float>, vowel: UnsafePointer<Float>,
        into values: UnsafeMutablePointer<Float>
    ) {
        let fundamental = speaker.fundamental * ElementaryFunctions.exp(0.18 * Double(voice[0]))
        let tract = speaker.tract * ElementaryFunctions.exp(0.06 * Double(voice[1]))
        let loudness = Double(voice[2])
        let slope = 1.5 + 0.3 * Double(voice[3])
        for feature in 0..<features {
            let frequency = (Double(feature) + 0.5) * spacing
            var power = 0.001
            for (index, formant) in formants.enumerated() {
                let center = tract * (formant.low + (formant.high - formant.low) * Double(vowel[index]))
                let distance = (frequency - center) / formant.bandwidth
                power += 1 / (1 + distance * distance)
            }
            let harmonics = ElementaryFunctions.sineAndCosine(turns: frequency / fundamental).cosine
            values[feature] = Float(
                ElementaryFunctions.log(power) + 0.8 * harmonics + loudness - slope * frequency / 1000)
        }
    }
}
