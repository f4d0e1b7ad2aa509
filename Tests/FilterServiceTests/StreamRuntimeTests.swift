import Basics
import FilterService
import Foundation
import HTTPClient
import Pipeline
import Records
import Synchronization
import TestSupport
import Testing
import Traces
import Transport

/// A model that gives every exchange the same score.
private struct FixedModel: Classifier {
  let model = "fixed@1"

  func judge(_ exchanges: [ExchangeSequences]) throws(ClassifierFailure) -> [Judgement] {
    exchanges.map {
      Judgement(promptScore: Score(0.5), responseScore: nil, tokens: $0.tokens, windows: 1)
    }
  }
}

/// The stream on its threads, from a list to a list.
@Suite struct StreamRuntimeTests {
  private static let partition = ListSource.partitions[0]

  private func options() -> StreamOptions {
    var options = StreamOptions(preparationThreads: 3, pollMilliseconds: 1)
    options.limits.retryBackoffMilliseconds = 1
    options.limits.batch.batchesInFlightMax = 2
    return options
  }

  private func work(
    _ committed: @escaping @Sendable (Int) -> Void,
    aborts: @escaping @Sendable (String) -> Void = { _ in }, tracing: StreamTracing? = nil
  ) -> StreamWork {
    StreamWork(
      makePreparer: {
        { items in
          items.map { item in
            let exchange = PreparedExchange(
              id: "\(item.record.source.offset)", sequences: ExchangeSequences(prompt: [[1, 2, 3]]))
            return PreparedItem(
              item: item, format: .json, preparation: .judge(exchange),
              for: FixedModel())
          }
        }
      },
      makeEncoder: {
        { item, records in
          records.append(
            OutputRecord(topic: "out", partition: nil, key: nil, value: item.item.record.value))
        }
      },
      observe: { committed($0.items.count) }, noteAbort: { aborts($0.name) }, tracing: tracing)
  }

  private func records(_ count: Int64) -> [InputRecord] {
    (0..<count).map { ListSource.record($0, value: "\($0)") }
  }

  /// Runs until so many records are committed.
  private func run(
    _ script: [ListSource.Poll], _ sink: ListSink, until count: Int,
    aborts: @escaping @Sendable (String) -> Void = { _ in }, tracing: StreamTracing? = nil
  ) -> (StreamFailure?, ListSource) {
    let source = ListSource(script, atClose: .revoked([Self.partition]))
    let stop = Mutex<(@Sendable () -> Void)?>(nil)
    let committed = Mutex(0)
    let runtime = StreamRuntime(
      source: source, sink: sink,
      work: work(
        { number in
          let total = committed.withLock { committed in
            committed += number
            return committed
          }
          if total >= count { stop.withLock { $0 }?() }
        }, aborts: aborts, tracing: tracing),
      options: options())
    stop.withLock { $0 = { runtime.stop() } }
    let failure = runtime.run()
    stop.withLock { $0 = nil }
    return (failure, source)
  }

  @Test func everythingComesOutOnceAndInOrder() {
    let all = records(1_000)
    let polls = stride(from: 0, to: 1_000, by: 100).map {
      ListSource.Poll.records(Array(all[$0..<$0 + 100]))
    }
    let sink = ListSink()
    let (failure, source) = run(
      [.change(.assigned([Self.partition]))] + polls, sink, until: 1_000)
    #expect(failure == nil)
    #expect(sink.written.records.map(\.value) == all.map(\.value))
    #expect(sink.written.offsets == [Self.partition: Offset(1_000)])
    #expect(source.closings.count == 1)
  }

  @Test func whatIsAbortedIsPublishedAgainAndItsCauseIsTold() {
    let aborts = Mutex<[String]>([])
    let sink = ListSink(failures: [.aborted(ListCause("later")), .aborted(ListCause("later"))])
    let (failure, _) = run(
      [.change(.assigned([Self.partition])), .records(records(20))], sink, until: 20,
      aborts: { cause in aborts.withLock { $0.append(cause) } })
    #expect(failure == nil)
    #expect(sink.written.records.count == 20)
    #expect(aborts.withLock { $0 } == ["later", "later"])
  }

  @Test func aFatalSinkEndsTheStreamWithItsCause() {
    let sink = ListSink(failures: [.fatal(ListCause("fenced"))])
    let (failure, source) = run(
      [.change(.assigned([Self.partition])), .records(records(5))], sink, until: 5)
    #expect(failure?.description == "publishing failed: fenced")
    #expect(sink.written.records.isEmpty)
    #expect(source.closings.count == 1, "the group is left all the same")
  }

  /// An attempt that was aborted has spans of its own, which say why; what is read at last names
  /// those of the attempt that was committed.
  @Test func abortedAttemptsAreSpansToo() async throws {
    let collector = try TraceCollector()
    let url = try #require(URL(string: collector.url))
    let exporter = SpanExporter(to: .init(url: url), over: CurlTransport(connectionsMax: 1))
    let tracing = StreamTracing(SpanTracer(sampleShare: 0, exporter: exporter), groupID: "group")
    let trace = "0af7651916cd43dd8448eb211c80319c"
    let traced = (0..<4).map { offset in
      // Every other record belongs to a trace that is kept.
      InputRecord(
        source: SourcePosition(topic: "in", partition: 0, offset: offset), key: nil, value: [7],
        headers: [Header("traceparent", "00-\(trace)-b7ad6b716920333\(offset)-0\(offset % 2)")])
    }
    let sink = ListSink(failures: [.aborted(ListCause("later"))])
    let (failure, _) = run(
      [.change(.assigned([Self.partition])), .records(traced)], sink, until: 4, tracing: tracing)
    #expect(failure == nil)
    await exporter.finish(within: .seconds(20))
    let spans = try collector.spans()
    let filters = spans.filter { $0.name == "filter in" }
    let committed = filters.filter { $0.status == nil }
    #expect(committed.compactMap { $0["messaging.kafka.offset"] }.sorted() == ["1", "3"])
    #expect(filters.contains { $0.status?.code == 2 && $0["error.type"] == "later" })
    #expect(filters.allSatisfy { $0.traceId == trace && $0.kind == 5 })
    #expect(
      Set(committed.map(\.parentSpanId)) == ["b7ad6b7169203331", "b7ad6b7169203333"])
    // Outputs of the list sink are in the order of the input; those of other traces are unchanged.
    let written = sink.written.records.map { $0.headers.text(of: "traceparent") }
    let expected = (0..<4).map { offset -> String? in
      let span = committed.first { $0["messaging.kafka.offset"] == "\(offset)" }
      return span.map { "00-\(trace)-\($0.spanId)-01" }
    }
    #expect(written == expected)
    let publishes = spans.filter { $0.name == "publish" }
    #expect(publishes.contains { $0["error.type"] == "later" && $0["sluice.attempt"] == "1" })
    #expect(publishes.filter { $0.status == nil }.flatMap(\.links).count == 2)
    let judged = spans.filter { $0.name == "judge" }
    #expect(judged.flatMap(\.links).map(\.traceId) == [trace, trace])
    #expect(judged.allSatisfy { $0["sluice.model"] == "fixed@1" && $0.traceId != trace })
  }

  @Test func nothingIsTracedWhereNobodyKeepsTheTrace() async throws {
    let collector = try TraceCollector()
    let url = try #require(URL(string: collector.url))
    let exporter = SpanExporter(to: .init(url: url), over: CurlTransport(connectionsMax: 1))
    let tracing = StreamTracing(SpanTracer(sampleShare: 0, exporter: exporter), groupID: "group")
    let (failure, _) = run(
      [.change(.assigned([Self.partition])), .records(records(50))], ListSink(), until: 50,
      tracing: tracing)
    #expect(failure == nil)
    await exporter.finish(within: .seconds(20))
    #expect(exporter.counts == SpanExporter.Counts() && collector.requests.isEmpty)
  }
}
