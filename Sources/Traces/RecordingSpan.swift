internal import Synchronization
package import Tracing

/// A span of `SpanTracer`: what it is told is kept until its end, and then handed over once.
package final class RecordingSpan: Tracing.Span {
  private struct State {
    var name: String
    var attributes = SpanAttributes()
    var events: [SpanEvent] = []
    var links: [SpanLink] = []
    var linksLeftOut = 0
    var status: SpanStatus?
    var hasEnded = false
  }

  /// Links of one span at most; OpenTelemetry's default.
  package static let linksMax = 128

  package let context: InstrumentationContext
  /// Where it stands itself.
  let own: TraceContext
  private let parent: String?
  private let kind: SpanKind
  private let start: UInt64
  private let whenEnded: @Sendable (EndedSpan) -> Void
  private let state: Mutex<State>

  init(
    _ name: String, at own: TraceContext, below parent: String?, in context: InstrumentationContext,
    kind: SpanKind, start: UInt64, whenEnded: @escaping @Sendable (EndedSpan) -> Void
  ) {
    var context = context
    context.trace = own
    self.context = context
    self.own = own
    self.parent = parent
    self.kind = kind
    self.start = start
    self.whenEnded = whenEnded
    state = Mutex(State(name: name))
  }

  package var isRecording: Bool { own.isSampled }

  package var operationName: String {
    get { state.withLock { $0.name } }
    set { state.withLock { $0.name = newValue } }
  }

  package var attributes: SpanAttributes {
    get { state.withLock { $0.attributes } }
    set { if isRecording { state.withLock { $0.attributes = newValue } } }
  }

  package func setStatus(_ status: SpanStatus) { state.withLock { $0.status = status } }

  package func addEvent(_ event: SpanEvent) {
    if isRecording { state.withLock { $0.events.append(event) } }
  }

  package func addLink(_ link: SpanLink) {
    guard isRecording else { return }
    state.withLock {
      if $0.links.count < Self.linksMax { $0.links.append(link) } else { $0.linksLeftOut += 1 }
    }
  }

  /// Notes what kind of error it was. Its words stay here: they could quote what was judged.
  package func recordError<Instant: TracerInstant>(
    _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
  ) {
    var attributes = attributes
    attributes["exception.type"] = "\(type(of: error))"
    addEvent(SpanEvent(name: "exception", at: instant(), attributes: attributes))
  }

  package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
    let end = instant().nanosecondsSinceEpoch
    let ended: EndedSpan? = state.withLock { state in
      guard isRecording, !state.hasEnded else { return nil }
      state.hasEnded = true
      return EndedSpan(
        name: state.name, context: own, parent: parent, kind: kind, start: start,
        end: max(start, end), attributes: state.attributes, events: state.events,
        links: state.links, linksLeftOut: state.linksLeftOut, status: state.status)
    }
    if let ended { whenEnded(ended) }
  }
}

/// A span that will not change any more.
struct EndedSpan: Sendable {
  let name: String
  let context: TraceContext
  /// The parent's span; nil where the trace begins.
  let parent: String?
  let kind: SpanKind
  /// Nanoseconds since 1970-01-01 UTC.
  let start: UInt64
  let end: UInt64
  let attributes: SpanAttributes
  let events: [SpanEvent]
  let links: [SpanLink]
  let linksLeftOut: Int
  let status: SpanStatus?
}
