import Gradloom
import Hummingbird

/// What the server answers.
struct PredictionRoutes {
    let model: Model

    var router: Router<PredictionContext> {
        let router = Router(context: PredictionContext.self)
        let facts = ModelFacts(model)
        router.get("model") { _, _ in facts }
        router.post("predict") { [model] request, context in
            try Predictions(of: await PredictionRequest(request, context).samples, by: model)
        }
        return router
    }
}

/// A request, and how large its body may be: larger ones are answered 413 (Content Too Large).
struct PredictionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    var maxUploadSize: Int { 1 << 20 }

    init(source: Source) { coreContext = CoreRequestContextStorage(source: source) }
}

/// The body of `POST /predict`.
struct PredictionRequest: Decodable {
    /// The samples' features, as they were in the training data.
    let samples: [[Float]]

    /// The body of `request`; a body of another form is answered 400 (Bad Request).
    init(_ request: Request, _ context: PredictionContext) async throws {
        do {
            self = try await context.requestDecoder.decode(Self.self, from: request, context: context)
        } catch is DecodingError {
            throw HTTPError(
                .badRequest,
                message: #"the body must be {"samples": [[number, …], …]}, with numbers that float32 has room for"#)
        }
    }
}

/// The answer to `POST /predict`.
struct Predictions: ResponseEncodable {
    /// The outputs of each sample: of a classification, the probabilities of its classes.
    private(set) var predictions: [[Float]] = []
    /// The predicted class of each sample; nil: the model is no classifier.
    private(set) var classes: [String]?

    /// The predictions for `samples`, on the calling thread: one sample takes microseconds, less than another thread would
    /// cost. Samples that the model cannot predict on are answered 400.
    init(of samples: [[Float]], by model: Model) throws(HTTPError) {
        if model.classNames != nil { classes = [] }
        for (index, sample) in samples.enumerated() {
            let prediction: [Float]
            do {
                prediction = try model.predict(sample)
            } catch {
                throw HTTPError(.badRequest, message: "samples[\(index)]: \(error)")
            }
            // JSON has no infinity.
            guard prediction.allSatisfy(\.isFinite) else {
                throw HTTPError(.badRequest, message: "samples[\(index)]: the features are too large for a prediction")
            }
            predictions.append(prediction)
            if let name = model.className(of: prediction) { classes?.append(name) }
        }
    }
}

/// The answer to `GET /model`. Names that nobody knows are left out.
struct ModelFacts: ResponseEncodable {
    let inputs: Int
    let outputs: Int
    let classes: [String]?
    let features: [String]?
    let targets: [String]?

    init(_ model: Model) {
        inputs = model.inputs
        outputs = model.outputs
        classes = model.classNames
        features = model.featureNames
        targets = model.targetNames
    }
}
