package import Tracing

/// Starts spans, draws which traces are kept, and hands what was kept to an exporter.
///
/// A trace that comes with a record was drawn where it began, and that holds here too. One that
/// begins here is kept by a draw over its identifier (OpenTelemetry's TraceIdRatioBased).
package struct SpanTracer: Tracer {
  private let share: Double
  private let whenEnded: @Sendable (EndedSpan) -> Void
  private let random: @Sendable () -> UInt64

  /// - Parameters:
  ///   - sampleShare: the share of traces that are kept of those that begin here, 0 to 1.
  ///   - exporter: gets each span that was kept, once it has ended.
  package init(sampleShare: Double, exporter: SpanExporter) {
    self.init(sampleShare: sampleShare, whenEnded: { exporter.add($0) })
  }

  init(
    sampleShare: Double, random: @escaping @Sendable () -> UInt64 = { .random(in: 0 ... .max) },
    whenEnded: @escaping @Sendable (EndedSpan) -> Void
  ) {
    share = sampleShare
    self.random = random
    self.whenEnded = whenEnded
  }

  package func startSpan<Instant: TracerInstant>(
    _ operationName: String, context: @autoclosure () -> InstrumentationContext,
    ofKind kind: SpanKind, at instant: @autoclosure () -> Instant, function: String,
    file fileID: String, line: UInt
  ) -> RecordingSpan {
    let context = context()
    let own: TraceContext
    if let parent = context.trace {
      own = TraceContext(
        trace: parent.trace, span: identifier(), isSampled: parent.isSampled,
        isRandom: parent.isRandom, state: parent.state)
    } else {
      let low = nonZero()
      own = TraceContext(
        trace: Self.digits(random()) + Self.digits(low), span: identifier(),
        isSampled: context.isKept || isDrawn(low))
    }
    return RecordingSpan(
      operationName, at: own, below: context.trace?.span, in: context, kind: kind,
      start: instant().nanosecondsSinceEpoch, whenEnded: whenEnded)
  }

  /// Whether a span that is started there could be kept; most records' could not, and need none.
  package func mayKeep(_ context: InstrumentationContext) -> Bool {
    context.trace?.isSampled ?? (share > 0 || context.isKept)
  }

  /// Spans leave when the exporter sends them; there is nothing to hurry.
  package func forceFlush() {}

  package func extract<Carrier, Extract: Extractor>(
    _ carrier: Carrier, into context: inout InstrumentationContext, using extractor: Extract
  ) where Extract.Carrier == Carrier {
    guard let text = extractor.extract(key: Self.parentHeader, from: carrier),
      var trace = TraceContext(traceparent: text)
    else { return }
    let state = extractor.extract(key: Self.stateHeader, from: carrier)
    trace.state = state.flatMap { Self.isState($0) ? $0 : nil }
    context.trace = trace
  }

  package func inject<Carrier, Inject: Injector>(
    _ context: InstrumentationContext, into carrier: inout Carrier, using injector: Inject
  ) where Inject.Carrier == Carrier {
    guard let trace = context.trace else { return }
    injector.inject(trace.traceparent, forKey: Self.parentHeader, into: &carrier)
    if let state = trace.state {
      injector.inject(state, forKey: Self.stateHeader, into: &carrier)
    }
  }

  private static let parentHeader = "traceparent"
  private static let stateHeader = "tracestate"

  /// Whether a text may be a `tracestate`: printable, and no longer than all must pass on.
  private static func isState(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 512
      && text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
  }

  /// Draws by the last seven bytes, as everybody does who draws by them.
  private func isDrawn(_ low: UInt64) -> Bool {
    Double(low & 0x00ff_ffff_ffff_ffff) < share * 0x1p56
  }

  private func identifier() -> String { Self.digits(nonZero()) }

  private func nonZero() -> UInt64 {
    while true {
      let number = random()
      if number != 0 { return number }
    }
  }

  private static func digits(_ number: UInt64) -> String {
    let text = String(number, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}
