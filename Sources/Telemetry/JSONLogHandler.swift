import Basics
import Foundation
import Logging
internal import StrictJSON

/// Writes each log message as one JSON object a line on standard error.
struct JSONLogHandler: LogHandler {
  var logLevel: Logger.Level = .info
  var metadata: Logger.Metadata = [:]
  let label: String

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields = (event.metadata ?? [:]).merging(metadata) { local, _ in local }
      .mapValues { "\($0)" }
    fields["level"] = event.level.rawValue
    fields["logger"] = label
    fields["message"] = "\(event.message)"
    fields["time"] = Timestamp.text(milliseconds: WallClock.milliseconds())
    guard let line = try? JSONCoder.line(fields) else { return }
    // Whoever read the log may have left.
    try? FileHandle.standardError.write(contentsOf: line)
  }
}
