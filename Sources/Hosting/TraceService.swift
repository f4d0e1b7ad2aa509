internal import Basics
internal import Foundation
internal import HTTPClient
package import Logging
internal import ServiceLifecycle
package import Settings
package import Telemetry
package import Traces
internal import Tracing

/// Sends spans to a collector for as long as the group lives. It is to end after whatever makes
/// spans, so it comes before them in the group.
package struct TraceService: Service {
  /// What the end of the program may wait for the collector.
  private static let finishLimit = Duration.seconds(3)

  /// Makes the spans that this service sends.
  package let tracer: SpanTracer
  private let exporter: SpanExporter

  /// A service that has sent nothing yet.
  ///
  /// - Throws: `StartFailure.configuration` when the file of headers cannot be used.
  package init(
    _ settings: TraceSettings, environment: [String: String], logger: Logger
  ) throws(StartFailure) {
    let failures = FailureLog("spans were not taken", logger: logger)
    let destination = SpanExporter.Destination(
      url: settings.url,
      headers: try TraceHeaders.read(settings.headersFile, environment: environment),
      resource: Self.resource(settings))
    exporter = SpanExporter(to: destination, over: CurlTransport(connectionsMax: 1)) {
      failures.note($0)
    }
    tracer = SpanTracer(sampleShare: settings.sampleShare, exporter: exporter)
  }

  package func run() async {
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
      let pause = await cancelWhenGracefulShutdown { await exporter.send() }
      // The end of the pause is the end of the group or of the time: either way the loop looks.
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) }
    }
    await exporter.finish(within: Self.finishLimit)
  }

  /// Tries the collector.
  ///
  /// - Throws: `StartFailure.unavailable` when it does not take requests.
  package func check() async throws(StartFailure) {
    if let problem = await exporter.problem() {
      throw .unavailable("telemetry.traces.endpoint: \(problem)")
    }
  }

  /// Adds what became of spans.
  package func add(to page: inout MetricsPage) {
    let counts = exporter.counts
    page.counter(
      "sluice_trace_spans_total", "Spans by what became of them.",
      [
        ([("outcome", "exported")], Double(counts.exported)),
        ([("outcome", "dropped")], Double(counts.dropped)),
        ([("outcome", "refused")], Double(counts.refused)),
      ])
  }

  private static func resource(_ settings: TraceSettings) -> SpanAttributes {
    let process = ProcessInfo.processInfo
    return [
      "service.name": .string(settings.serviceName),
      "service.version": .string(ProgramVersion.current),
      "service.instance.id": .string(UUID().uuidString.lowercased()),
      "host.name": .string(process.hostName),
      "process.pid": .int64(Int64(process.processIdentifier)),
    ]
  }
}
