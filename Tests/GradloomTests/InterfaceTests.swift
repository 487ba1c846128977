import CGradloom
import Foundation
import Gradloom
import GradloomC
import TestSupport
import Testing

/// The functions that other languages call.
@Suite struct InterfaceTests {
    /// What a caller in C would write.
    private final class Caller {
        var events: [String] = []
        var stopsAtOnce = false
        var message = ""

        private func takeMessage(_ status: Int32, _ text: UnsafeMutablePointer<CChar>?) -> Int32 {
            message = text.map { String(cString: $0) } ?? ""
            gradloomFree(text)
            return status
        }

        /// Trains on the samples 0 … count − 1 of one feature, whose class is the half they are in.
        func train(
            _ configuration: String, count: Int = 40, classNames: String? = nil, weights: [Double]? = nil,
            element: Int = gradloom_float32
        ) -> (status: Int32, model: UnsafeMutableRawPointer?) {
            let inputs = (0..<count).map { Float($0) / Float(count) }
            let targets = (0..<count).map { Int64($0 < count / 2 ? 0 : 1) }
            var (model, text): (UnsafeMutableRawPointer?, UnsafeMutablePointer<CChar>?)
            let status = inputs.withUnsafeBytes { inputs in
                targets.withUnsafeBytes { targets in
                    var x = gradloom_array(
                        start: inputs.baseAddress, rows: Int64(count), columns: 1, element: Int32(element))
                    var y = gradloom_array(
                        start: targets.baseAddress, rows: Int64(count), columns: 1, element: Int32(gradloom_int64))
                    return withUnsafePointer(to: &x) { x in
                        withUnsafePointer(to: &y) { y in
                            withOptional(weights) { weights in
                                withOptional(classNames.map { Array($0.utf8CString) }) { names in
                                    var samples = gradloom_samples(
                                        inputs: x, targets: y, weights: weights, validation_inputs: nil,
                                        validation_targets: nil, feature_names: nil, class_names: names)
                                    return gradloomTrain(
                                        configuration, &samples, nil,
                                        { event, context in
                                            let caller = Unmanaged<Caller>.fromOpaque(context!).takeUnretainedValue()
                                            caller.events.append(String(cString: event!))
                                            return caller.stopsAtOnce ? 1 : 0
                                        }, Unmanaged.passUnretained(self).toOpaque(), &model, &text)
                                }
                            }
                        }
                    }
                }
            }
            return (takeMessage(status, text), model)
        }

        private func withOptional<Element, Result>(
            _ values: [Element]?, _ body: (UnsafePointer<Element>?) -> Result
        ) -> Result {
            guard let values else { return body(nil) }
            return values.withUnsafeBufferPointer { body($0.baseAddress) }
        }

        func open(_ path: String) -> (status: Int32, model: UnsafeMutableRawPointer?) {
            var (model, text): (UnsafeMutableRawPointer?, UnsafeMutablePointer<CChar>?)
            return (takeMessage(gradloomModelOpen(path, &model, &text), text), model)
        }

        func save(_ model: UnsafeMutableRawPointer, _ path: String) -> Int32 {
            var text: UnsafeMutablePointer<CChar>?
            return takeMessage(gradloomModelSave(model, path, &text), text)
        }

        func predict(_ model: UnsafeMutableRawPointer, _ values: [Double], columns: Int = 1) -> (Int32, [Double]) {
            var predictions = [Double](repeating: -1, count: 2 * values.count)
            var text: UnsafeMutablePointer<CChar>?
            let status = values.withUnsafeBytes { bytes in
                var x = gradloom_array(
                    start: bytes.baseAddress, rows: Int64(values.count / columns), columns: Int64(columns),
                    element: Int32(gradloom_float64))
                return gradloomModelPredict(model, &x, &predictions, Int32(gradloom_float64), &text)
            }
            return (takeMessage(status, text), predictions)
        }
    }

    private static let configuration = """
        {"data": {"custom": {"name": "x"}, "standardize": true},
         "network": {"layers": [{"units": 2}], "output": "softmax"},
         "optimizer": {"kind": "adam", "learning_rate": 0.1},
         "training": {"batch": 40, "epochs": 60}, "parallel": {"workers": 1}}
        """

    @Test func trainsPredictsSavesAndOpens() throws {
        let caller = Caller()
        let (status, model) = caller.train(Self.configuration, classNames: #"["low", "high"]"#)
        #expect(status == gradloom_done && caller.message == "", "\(caller.message)")
        let handle = try #require(model)
        defer { gradloomModelFree(handle) }
        let epochs = caller.events.filter { $0.contains(#""event":"epoch""#) }
        #expect(epochs.count == 60)
        let (done, predictions) = caller.predict(handle, [0.1, 0.9])
        #expect(done == gradloom_done && predictions[0] > 0.9 && predictions[3] > 0.9, "\(predictions)")
        let text = try #require(gradloomModelFacts(handle))
        defer { gradloomFree(text) }
        let facts = try #require(
            try JSONSerialization.jsonObject(with: Data(String(cString: text).utf8)) as? [String: Any])
        #expect(facts["inputs"] as? Int == 1 && facts["outputs"] as? Int == 2 && facts["step"] as? Int == 60)
        #expect(facts["class_names"] as? [String] == ["low", "high"] && facts["end"] as? String == "completed")

        let folder = try TemporaryFolder()
        #expect(caller.save(handle, folder.path("m.safetensors")) == gradloom_done)
        let (opened, again) = caller.open(folder.path("m.safetensors"))
        let other = try #require(again)
        defer { gradloomModelFree(other) }
        #expect(opened == gradloom_done && caller.predict(other, [0.1, 0.9]).1 == predictions)
    }

    @Test func whoeverIsToldMayEndIt() throws {
        let caller = Caller()
        caller.stopsAtOnce = true
        let (status, model) = caller.train(Self.configuration.replacing("60", with: "1000000"))
        #expect(status == gradloom_done)
        gradloomModelFree(try #require(model))
    }

    @Test func mistakesHaveANumberAndASentence() throws {
        let caller = Caller()
        #expect(caller.train("{}").status == gradloom_bad_input && caller.message.contains("network"))
        let diverging = Self.configuration.replacing("0.1}", with: "1e38}").replacing("adam", with: "sgd")
            .replacing("softmax", with: "identity").replacing(#""units": 2"#, with: #""units": 1"#)
        #expect(caller.train(diverging).status == gradloom_diverged && caller.message.contains("diverged"))
        #expect(caller.train(Self.configuration, element: 9).status == gradloom_bad_input)
        #expect(caller.message == "there is no element type 9")
        #expect(caller.train(Self.configuration, classNames: "low").status == gradloom_bad_input)
        #expect(caller.message == "the names are no JSON list of texts")
        let weights = [Double](repeating: -1, count: 40)
        #expect(caller.train(Self.configuration, weights: weights).status == gradloom_bad_input)
        #expect(caller.message.contains("the weight is -1.0"))
        #expect(caller.open("/nowhere").status == gradloom_input_output)
        #expect(caller.message == "there is no run directory ‘/nowhere’")
        let model = try #require(caller.train(Self.configuration).model)
        defer { gradloomModelFree(model) }
        #expect(caller.predict(model, [1, 2], columns: 2).0 == gradloom_bad_input)
        #expect(caller.message.contains("2 feature columns, but the model was trained on 1"))
        #expect(caller.save(model, "/nowhere/m.safetensors") == gradloom_input_output)
    }
}
