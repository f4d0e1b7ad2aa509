import Basics
import FilterService
import Pipeline
import Records
import Synchronization
import TestSupport
import Testing
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
    aborts: @escaping @Sendable (String) -> Void = { _ in }
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
      observe: { committed($0.items.count) }, noteAbort: { aborts($0.name) })
  }

  private func records(_ count: Int64) -> [InputRecord] {
    (0..<count).map { ListSource.record($0, value: "\($0)") }
  }

  /// Runs until so many records are committed.
  private func run(
    _ script: [ListSource.Poll], _ sink: ListSink, until count: Int,
    aborts: @escaping @Sendable (String) -> Void = { _ in }
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
        }, aborts: aborts),
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
}
