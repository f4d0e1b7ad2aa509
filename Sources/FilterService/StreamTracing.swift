internal import Basics
internal import Pipeline
internal import Records
package import Traces
internal import Tracing
internal import Transport

/// Spans of a stream's work, by OpenTelemetry's conventions for messaging.
///
/// Each record that belongs to a trace which is kept has a span in that trace, `filter TOPIC`,
/// from its reading to its commit; what is written for it names that span as its parent. A batch
/// that the model judged (`judge`) and a transaction (`publish`) concern many traces, so they have
/// traces of their own with a link to each.
package struct StreamTracing: Sendable {
  private let tracer: SpanTracer
  private let groupID: String

  package init(_ tracer: SpanTracer, groupID: String) {
    self.tracer = tracer
    self.groupID = groupID
  }

  /// Starts the spans of records that are about to be published.
  func start(_ transaction: Transaction, now: Instant) -> TransactionTrace {
    let wall = WallTime(now: now)
    var spans: [(item: Int, span: RecordingSpan)] = []
    for (index, item) in transaction.items.enumerated() {
      let record = item.item.record
      let context = context(of: record.headers)
      guard tracer.mayKeep(context) else { continue }
      let span = tracer.startSpan(
        "filter \(record.source.topic)", context: context, ofKind: .consumer,
        at: wall.of(item.arrival))
      guard span.isRecording else { continue }
      describe(item, in: span, wall)
      spans.append((index, span))
    }
    guard !spans.isEmpty else { return TransactionTrace() }
    let publish = tracer.startSpan(
      "publish", context: .kept, ofKind: .producer, at: wall.of(now))
    publish.updateAttributes {
      $0["messaging.system"] = "kafka"
      $0["messaging.operation.type"] = "send"
      $0["messaging.batch.message_count"] = transaction.items.count
      $0["sluice.attempt"] = transaction.attempt
    }
    for (_, span) in spans {
      publish.addLink(SpanLink(context: span.context, attributes: [:]))
    }
    return TransactionTrace(tracer: tracer, spans: spans, publish: publish)
  }

  /// Tells of a batch that the model has judged, or has failed to.
  ///
  /// - Parameter failure: why it failed.
  func judged(
    _ batch: Batch, since start: Instant, now: Instant, failure: ClassifierFailure? = nil
  ) {
    let traced = batch.items.map { context(of: $0.item.record.headers) }.filter {
      $0.trace?.isSampled == true
    }
    guard !traced.isEmpty else { return }
    let wall = WallTime(now: now)
    let span = tracer.startSpan(
      "judge", context: .kept, ofKind: .internal, at: wall.of(start))
    span.updateAttributes {
      $0["messaging.batch.message_count"] = batch.items.count
      $0["sluice.tokens"] = batch.items.reduce(0) { $0 + $1.tokens }
      $0["sluice.model"] = batch.classifier.model
      $0["sluice.release"] = batch.reason.rawValue
    }
    for context in traced { span.addLink(SpanLink(context: context, attributes: [:])) }
    if failure != nil { span.fail("model_failed") }
    span.end(at: wall.of(now))
  }

  private func context(of headers: [Header]) -> InstrumentationContext {
    var context = InstrumentationContext.topLevel
    if !headers.isEmpty { tracer.extract(headers, into: &context, using: HeaderExtractor()) }
    return context
  }

  /// Says which record it was and what became of it; nothing of its text, and no names that senders
  /// choose.
  private func describe(_ item: JudgedItem, in span: RecordingSpan, _ wall: WallTime) {
    let source = item.item.record.source
    span.updateAttributes {
      $0["messaging.system"] = "kafka"
      $0["messaging.operation.type"] = "process"
      $0["messaging.operation.name"] = "filter"
      $0["messaging.destination.name"] = source.topic
      $0["messaging.destination.partition.id"] = "\(source.partition.rawValue)"
      $0["messaging.consumer.group.name"] = groupID
      $0["messaging.kafka.offset"] = source.offset.rawValue
      $0["sluice.model"] = item.model
      $0["sluice.policy"] = item.policy.name
      switch item.outcome {
      case .judged(let judged):
        $0["sluice.action"] = judged.decision.action.rawValue
        $0["sluice.score"] = judged.judgement.score.rawValue
        $0["sluice.tokens"] = judged.judgement.tokens
        $0["sluice.windows"] = judged.judgement.windows
      case .deadLetter(let letter):
        $0["sluice.action"] = "dead_letter"
        $0["error.type"] = letter.reason.rawValue
      case .forwardTombstone, .skipped:
        $0["sluice.action"] = "tombstone"
      }
    }
    if case .deadLetter(let letter) = item.outcome { span.fail(letter.reason.rawValue) }
    span.addEvent(
      SpanEvent(
        name: "judged",
        at: WallTime.Moment(nanosecondsSinceEpoch: UInt64(item.judgedAtMilliseconds) * 1_000_000)))
  }
}

/// The spans of one transaction; none where nothing of it is traced.
struct TransactionTrace {
  private var tracer: SpanTracer?
  /// In the order of the items.
  private var spans: [(item: Int, span: RecordingSpan)] = []
  private var publish: RecordingSpan?

  init() {}

  fileprivate init(
    tracer: SpanTracer, spans: [(item: Int, span: RecordingSpan)], publish: RecordingSpan
  ) {
    self.tracer = tracer
    self.spans = spans
    self.publish = publish
  }

  /// Lets what is written for traced records name their spans as parents.
  ///
  /// - Parameter origins: for each record, which item of the transaction it is written for;
  ///   ascending.
  func mark(_ records: inout [OutputRecord], origins: [Int]) {
    guard let tracer else { return }
    var record = 0
    for (item, span) in spans {
      while record < records.count, origins[record] < item { record += 1 }
      while record < records.count, origins[record] == item {
        var headers = records[record].headers.filter { !HeaderExtractor.isOfTrace($0) }
        tracer.inject(span.context, into: &headers, using: HeaderInjector())
        records[record].headers = headers
        record += 1
      }
    }
  }

  /// Ends all spans.
  ///
  /// - Parameter cause: why nothing was published; nil where it was.
  func end(now: Instant, cause: (any TransportCause)? = nil) {
    guard let publish else { return }
    let moment = WallTime(now: now).of(now)
    for span in spans.map(\.span) + [publish] {
      if let cause { span.fail(cause.name) }
      span.end(at: moment)
    }
  }
}

extension InstrumentationContext {
  /// Of a trace that is kept in any case: what it links to was drawn.
  fileprivate static var kept: Self {
    var context = topLevel
    context.isKept = true
    return context
  }
}

extension RecordingSpan {
  /// - Parameter kind: a text that does not vary with circumstances.
  fileprivate func fail(_ kind: String) {
    updateAttributes { $0["error.type"] = kind }
    setStatus(SpanStatus(code: .error, message: kind))
  }
}

/// The time of day for moments of the monotonic clock.
private struct WallTime {
  struct Moment: TracerInstant {
    let nanosecondsSinceEpoch: UInt64

    static func < (left: Self, right: Self) -> Bool {
      left.nanosecondsSinceEpoch < right.nanosecondsSinceEpoch
    }
  }

  private let wall = DefaultTracerClock.now.nanosecondsSinceEpoch
  private let monotonic: Instant

  /// - Parameter now: this moment.
  init(now: Instant) { monotonic = now }

  func of(_ instant: Instant) -> Moment {
    Moment(
      nanosecondsSinceEpoch: UInt64(
        max(0, Int64(wall) + instant.nanoseconds(since: monotonic))))
  }
}

/// Finds what travels with a trace in a record's headers; of several with one name the last counts.
private struct HeaderExtractor: Extractor {
  func extract(key: String, from headers: [Header]) -> String? {
    headers.last { $0.name.lowercased() == key }?.value.flatMap {
      String(validating: $0, as: UTF8.self)
    }
  }

  static func isOfTrace(_ header: Header) -> Bool {
    ["traceparent", "tracestate"].contains(header.name.lowercased())
  }
}

private struct HeaderInjector: Injector {
  func inject(_ value: String, forKey key: String, into headers: inout [Header]) {
    headers.append(Header(key, value))
  }
}
