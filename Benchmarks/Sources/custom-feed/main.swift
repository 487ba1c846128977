import Foundation
import Gradloom

// A feed of your own: a DataSource that reads a file of a format that Gradloom does not know. A network learns from it which
// waveform a sensor sees, and is saved, read and measured.
//
//     custom-feed [SECONDS]     gives up after that time; Ctrl-C gives up, too

// MARK: The file

/// A sensor's log: eight bytes that say what it is, then one record after another, of one byte and `readings` numbers of 16
/// bits, the low byte first.
enum WaveLog {
    static let mark = Data("WAVELOG1".utf8)
    static let waveforms = ["sine", "square", "triangle"]
    static let readings = 32
    static let recordBytes = 1 + 2 * readings

    /// Writes `records` records, as a sensor would: each has a waveform of another phase and frequency, and noise.
    static func write(to url: URL, records: Int) throws {
        var data = mark
        for record in 0..<records {
            let waveform = record % waveforms.count
            let (phase, frequency) = (Double.random(in: 0..<1), Double.random(in: 1...2))
            data.append(UInt8(waveform))
            for reading in 0..<readings {
                let time = (phase + frequency * Double(reading) / Double(readings)).truncatingRemainder(dividingBy: 1)
                let value = 8000 * amplitude(waveform, time) + Double.random(in: -2500...2500)
                withUnsafeBytes(of: Int16(value).littleEndian) { data.append(contentsOf: $0) }
            }
        }
        try data.write(to: url)
    }

    /// The waveform's height, -1 … 1, at `time`, 0 … 1.
    private static func amplitude(_ waveform: Int, _ time: Double) -> Double {
        switch waveform {
        case 0: sin(2 * .pi * time)
        case 1: time < 0.5 ? 1 : -1
        default: 4 * abs(time - 0.5) - 1
        }
    }
}

// MARK: The feed

/// The samples of a `WaveLog`. Whatever hands out rows by number can be such a source.
struct WaveLogSource: DataSource {
    let name: String
    let count: Int
    let featureCount = WaveLog.readings
    // One column of class indices, and what the classes are called.
    let targetColumns = TargetColumns(
        count: 1, form: .classIndices(classes: WaveLog.waveforms.count), classNames: WaveLog.waveforms)
    private let content: Data

    /// Opens a log. What is wrong with it is an error with a sentence for the user, never a trap.
    init(contentsOf url: URL) throws {
        name = url.path
        // The file stays where it is: the system reads what is asked for.
        content = try Data(contentsOf: url, options: .alwaysMapped)
        guard content.starts(with: WaveLog.mark) else {
            throw DataError(.badData, source: name, problem: "the file is no wave log", remedy: "give another one")
        }
        let (records, rest) = (content.count - WaveLog.mark.count).quotientAndRemainder(
            dividingBy: WaveLog.recordBytes)
        guard rest == 0 else {
            throw DataError(
                .badData, source: name, problem: "\(rest) bytes behind record \(records - 1) are no record",
                remedy: "copy the file again")
        }
        count = records
    }

    /// Several threads call it at the same time, for rows in any order: it reads, and changes nothing but the matrices.
    func fill(
        rows: ArraySlice<UInt64>, inputs: MatrixView<Double>?, targets: MatrixView<Double>?
    ) throws(DataError) {
        for (position, row) in rows.enumerated() {
            let record = WaveLog.mark.count + Int(row) * WaveLog.recordBytes
            if let targets {
                let waveform = Int(content[record])
                guard waveform < WaveLog.waveforms.count else {
                    throw DataError(
                        .badData, source: name, place: place(row: Int(row)),
                        problem: "waveform \(waveform), expected less than \(WaveLog.waveforms.count)",
                        remedy: "correct the record")
                }
                targets[position, 0] = Double(waveform)
            }
            if let inputs {
                for reading in 0..<featureCount {
                    let low = record + 1 + 2 * reading
                    let bits = UInt16(content[low]) | UInt16(content[low + 1]) << 8
                    inputs[position, reading] = Double(Int16(bitPattern: bits))
                }
            }
        }
    }
}

// MARK: The training

func train(on source: WaveLogSource) async throws -> Model {
    var settings = TrainingSettings()
    (settings.batch, settings.epochs) = (32, 15)
    return try await Model.train(
        source, validation: .fraction(0.2),
        network: NetworkSettings(units: [64, WaveLog.waveforms.count], output: .softmax),
        optimizer: OptimizerDescription(kind: .adam, learningRate: 0.003), training: settings, standardize: true
    ) { event in
        guard case .epochEnded(let epoch) = event, let validation = epoch.validation else { return }
        let loss = validation.loss.formatted(.number.precision(.fractionLength(3)))
        print("epoch \(epoch.epoch + 1): validation loss \(loss), accuracy \(percent(validation.accuracy!))")
    }
}

func percent(_ share: Double) -> String { share.formatted(.percent.precision(.fractionLength(1))) }

func run() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "custom-feed-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (log, other) = (folder.appending(path: "train.wavelog"), folder.appending(path: "test.wavelog"))
    try WaveLog.write(to: log, records: 6000)
    try WaveLog.write(to: other, records: 1500)

    let source = try WaveLogSource(contentsOf: log)
    let training = Task { try await train(on: source) }

    // A cancelled task ends its training after the current step, and throws. Who wants to keep what was learnt so far uses a
    // TrainingSession and its stop().
    signal(SIGINT, SIG_IGN)
    let interrupt = DispatchSource.makeSignalSource(signal: SIGINT)
    interrupt.setEventHandler { training.cancel() }
    interrupt.resume()
    if let seconds = CommandLine.arguments.dropFirst().first.flatMap(Double.init) {
        Task {
            try await Task.sleep(for: .seconds(seconds))
            training.cancel()
        }
    }
    try await training.value.save(to: folder.appending(path: "waves.safetensors"))

    // As another program would: nothing but the file is left of the training.
    let model = try Model(contentsOf: folder.appending(path: "waves.safetensors"))
    let test = try WaveLogSource(contentsOf: other)
    let measures = try model.measure(test)
    print("on \(test.count) other records: accuracy \(percent(measures.evaluation.accuracy!))")
    for (name, measured) in zip(model.classNames!, measures.classification!.classes) {
        print("  \(name): recall \(percent(measured.recall))")
    }
    let square = (0..<WaveLog.readings).map { Float($0 < 16 ? 8000 : -8000) }
    print("a square wave without noise is a \(model.className(of: try model.predict(square))!)")
}

do {
    try await run()
} catch is CancellationError {
    print("cancelled: no model")
    exit(1)
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(1)
}
