import LoomData
import LoomReporting
import LoomRuns

extension DatasetWriter {
    /// Writes `source`, shows how far it is, and prints what was written in `directory`, and how fast.
    func writeAndReport(
        _ source: any DataSource, provenance: DatasetManifest.Provenance, directory: String, json: Bool
    ) throws {
        let progress = TransferProgress(quiet: json)
        defer { progress.finish() }
        let done = DatasetReport.Written()
        let manifest = try write(source, provenance: provenance) { state in
            done.keep(state)
            progress.update(
                done: state.keptRows + state.writtenRows, worked: state.writtenRows, of: state.rows, unit: "rows",
                bytes: state.writtenBytes)
        }
        let seconds = progress.elapsedSeconds
        progress.finish()
        try DatasetReport.printWritten(manifest, directory, done.progress, seconds: seconds, json: json)
    }
}
