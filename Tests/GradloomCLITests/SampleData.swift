import Foundation

/// Configurations and files that tests write.
enum SampleData {
    /// A network with two hidden units on exclusive or, four samples long.
    static let xor = """
        data:
          inline:
            inputs: [[0, 0], [0, 1], [1, 0], [1, 1]]
            targets: [0, 1, 1, 0]
        network:
          layers:
            - {units: 2, activation: tanh}
            - {units: 1}
          output: sigmoid
        optimizer: {kind: sgd, learning_rate: 0.1}
        training: {batch: 4, epochs: 3, precision: float64}
        parallel: {workers: 1}

        """

    /// Softmax regression on data.csv, with the label in the column y.
    static let classes = """
        data:
          csv: {path: data.csv, label: y}
        network:
          layers:
            - {name: output, units: 3}
          output: softmax
        optimizer: {kind: adam, learning_rate: 0.2}
        training: {batch: 3, epochs: 30, precision: float64}
        parallel: {workers: 1}

        """

    /// Samples of three classes that a line through the origin keeps apart.
    static let animals = """
        a,b,y
        1,0,dog
        0,1,cat
        -1,-1,cow
        1.5,0.1,dog
        0.1,1.2,cat
        -0.9,-1.1,cow

        """

    /// A linear network with given weights, and steps too small to change them: y = 2a − 3b + 1.
    static let linear = """
        data:
          csv: {path: data.csv, label: y}
        network:
          layers:
            - {name: output, units: 1, weights: [[2, -3]], bias: [1]}
          output: identity
        loss: {kind: squared_sum}
        optimizer: {kind: sgd, learning_rate: 1.0e-200}
        training: {batch: 2, epochs: 1, precision: float64}
        parallel: {workers: 1}

        """

    /// A version 1.0 npy file.
    static func npy(_ descr: String, shape: String, fortranOrder: Bool = false, _ bytes: Data) -> Data {
        var header =
            "{'descr': '\(descr)', 'fortran_order': \(fortranOrder ? "True" : "False"), 'shape': \(shape), }"
        header += String(repeating: " ", count: (64 - (10 + header.utf8.count + 1) % 64) % 64) + "\n"
        let length = UInt16(header.utf8.count)
        return Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xff), UInt8(length >> 8)])
            + Data(header.utf8) + bytes
    }

    /// The bytes of values in memory order.
    static func bytes<Value>(_ values: [Value]) -> Data { values.withUnsafeBytes { Data($0) } }
}
