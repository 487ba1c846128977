import ArgumentParser
import Foundation
import Gradloom
import Hummingbird

/// A trained network behind HTTP.
@main
struct PredictionServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prediction-server", abstract: "Answer HTTP requests with the predictions of a trained network.")

    @Option(
        help: ArgumentHelp(
            "A saved model, or the run directory of a training.", valueName: "file|run"), completion: .file())
    var model: String

    @Option(help: "The port to listen on; 0: one that is free.")
    var port = 8080

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    func validate() throws {
        guard 0...65535 ~= port else { throw ValidationError("--port must be from 0 to 65535.") }
    }

    func run() async throws {
        // A model never changes: all requests share this one.
        let model = try Model(contentsOf: model)
        var application = Application(
            router: PredictionRoutes(model: model).router,
            configuration: ApplicationConfiguration(address: .hostname(host, port: port)),
            onServerRunning: { channel in
                // Not print: into a pipe the line would wait for others.
                let address = channel.localAddress.map { "\(host):\($0.port ?? port)" } ?? host
                FileHandle.standardOutput.write(Data("listening on http://\(address)\n".utf8))
            })
        application.logger.logLevel = .warning
        // SIGTERM and Ctrl-C end it when the requests that it has are answered.
        try await application.runService()
    }
}
