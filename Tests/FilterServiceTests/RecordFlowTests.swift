import Basics
import FilterService
import Guard
import Logging
import Pipeline
import Records
import Settings
import Synchronization
import TestSupport
import Testing
import Wire

/// From bytes in to bytes out, without a broker: decoding, routing, headers and partitions.
@Suite struct RecordFlowTests {
  /// Scores each exchange by the number of its prompt's letters over 100.
  private struct LetterGuard: Classifier, ExchangeTokenizer {
    let model = "letters@00000000"
    let cut: UInt64 = 1

    func sequences(for exchange: Exchange) throws(TokenizationFailure) -> ExchangeSequences {
      guard exchange.prompt.count < 200 else { throw TokenizationFailure(detail: "too long") }
      return ExchangeSequences(
        prompt: [TokenSequence(Array(repeating: 7, count: exchange.prompt.count))], response: [])
    }

    func judge(_ exchanges: [ExchangeSequences]) throws(ClassifierFailure) -> [Judgement] {
      exchanges.map {
        Judgement(
          promptScore: Score(Float($0.tokens) / 100), responseScore: nil, tokens: $0.tokens,
          windows: 1)
      }
    }
  }

  /// The outputs for one record.
  private func flow(
    _ record: InputRecord, tombstones: TombstonePolicy = .deadLetter, format: PayloadFormat? = nil,
    policies: PolicyBook = PolicyBook(), keepsTimestamps: Bool = false
  ) throws -> [OutputRecord] {
    guard let (_, transaction) = try judge(record, tombstones, policies) else { return [] }
    let topics = OutputTopics(
      verdicts: "verdicts", deadLetters: "dead", clean: "clean", quarantine: "quarantine")
    var encoder = OutputEncoder(
      router: Router(topics: topics), format: format, echoesMetadata: false,
      partitionCounts: ["verdicts": 8, "dead": 2, "clean": 4, "quarantine": 8],
      keepsTimestamps: keepsTimestamps)
    var outputs: [OutputRecord] = []
    for item in transaction.items { encoder.encode(item, into: &outputs) }
    return outputs
  }

  /// The machine and its transaction with the judged record; nil when there is none.
  private func judge(
    _ record: InputRecord, _ tombstones: TombstonePolicy = .deadLetter,
    _ policies: PolicyBook = PolicyBook()
  ) throws -> (StreamMachine, Transaction)? {
    let model = LetterGuard()
    var limits = StreamLimits()
    limits.batch.lingerMilliseconds = 0
    var machine = StreamMachine(limits: limits, policies: policies, now: .zero)
    machine.assign([record.source.topicPartition])
    machine.receive([record], now: .zero)
    let received = machine.nextChunk().work
    let chunk = try #require(received)
    var preparer = RecordPreparer(defaultFormat: .json, tombstones: tombstones)
    let items = chunk.items.map { preparer.prepare($0, for: model) }
    machine.prepared(chunk.id, items, now: .zero)
    guard case .perform(let batch) = machine.nextBatch(now: .zero) else { return nil }
    machine.judged(batch.id, try model.judge(batch.exchanges), atMilliseconds: 1_000)
    guard case .perform(let transaction) = machine.nextTransaction(now: .zero) else { return nil }
    return (machine, transaction)
  }

  private func record(_ value: String, at time: Int64, headers: [Header] = []) -> InputRecord {
    InputRecord(
      source: SourcePosition(topic: "in", partition: 0, offset: 0), key: nil,
      value: Array(value.utf8), headers: headers, timestampMilliseconds: time)
  }

  /// The time when an exchange was written is not lost; a sender cannot make one up.
  @Test(arguments: [#"{"prompt": "hello"}"#, "no JSON"], [true, false])
  func outputsTellWhenTheirRecordWasWritten(value: String, keeps: Bool) throws {
    let forged = [Header("sluice-timestamp", "1")]
    let outputs = try flow(
      record(value, at: 1_700_000_000_123, headers: forged), keepsTimestamps: keeps)
    #expect(!outputs.isEmpty)
    for output in outputs {
      let times = output.headers.filter { $0.name == "sluice-timestamp" }
      #expect(times == [Header("sluice-timestamp", "1700000000123")])
      let isCopy = ["clean", "quarantine"].contains(output.topic)
      #expect(output.timestampMilliseconds == (keeps && isCopy ? 1_700_000_000_123 : nil))
    }
    #expect(outputs.contains { $0.topic == "clean" } == value.hasPrefix("{"))
  }

  @Test func aReplayedRecordTellsItsFirstTime() throws {
    let headers = [Header("sluice-replayed", "1"), Header("sluice-timestamp", "5")]
    let outputs = try flow(record(#"{"prompt": "hello"}"#, at: 9, headers: headers))
    #expect(outputs.allSatisfy { $0.headers.text(of: "sluice-timestamp") == "5" })
    for bad in ["", "-1", "soon"] {
      let headers = [Header("sluice-replayed", "1"), Header("sluice-timestamp", bad)]
      let outputs = try flow(record(#"{"prompt": "hello"}"#, at: 9, headers: headers))
      #expect(outputs.allSatisfy { $0.headers.text(of: "sluice-timestamp") == "9" })
    }
  }

  @Test func anUnknownTimeIsNotTold() throws {
    let outputs = try flow(record(#"{"prompt": "hello"}"#, at: -1), keepsTimestamps: true)
    for output in outputs {
      #expect(output.headers.text(of: "sluice-timestamp") == nil)
      #expect(output.timestampMilliseconds == nil)
    }
  }

  private static let conversation = """
    {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hello"},
      {"role": "assistant", "content": "hi", "reasoning_content": "r"}]}
    """

  @Test func whatWasLeftOutIsInTheVerdictTheHeadersTheCountersAndTheLog() throws {
    let outputs = try flow(record(Self.conversation))
    var decoder = VerdictDecoder()
    let verdict = try decoder.decode(try #require(outputs[0].value), as: .json)
    // This model judges prompts alone.
    let expected = Coverage(
      texts: 4, judged: 1, leftOut: ["reasoning": 1, "response": 1, "system": 1])
    #expect(verdict.coverage == expected)
    for output in outputs { #expect(output.headers.text(of: "sluice-coverage") == "1/4") }

    let judged = try judge(record(Self.conversation))
    var (machine, transaction) = try #require(judged)
    machine.committed(transaction.id, now: .zero)
    #expect(machine.counters.texts == expected)

    let handler = NotingHandler()
    let log = CoverageLog(logger: Logger(label: "test") { _ in handler })
    for _ in 0..<3 { log.observe(transaction) }
    #expect(handler.reasons == ["reasoning", "response", "system"])
  }

  /// Notes the reasons that are logged.
  private struct NotingHandler: LogHandler {
    private final class Notes: Sendable {
      let reasons = Mutex<[String]>([])
    }

    private let notes = Notes()
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    var reasons: [String] { notes.reasons.withLock { $0 } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      guard let reason = event.metadata?["reason"] else { return }
      notes.reasons.withLock { $0.append("\(reason)") }
    }
  }

  private func record(
    _ text: String?, headers: [Header] = [], partition: Int32 = 5
  ) -> InputRecord {
    InputRecord(
      source: SourcePosition(topic: "in", partition: partition, offset: 42), key: [1, 2],
      value: text.map { Array($0.utf8) }, headers: headers)
  }

  @Test func aVerdictKeepsKeyPartitionAndHeaders() throws {
    let headers = [Header("trace", "a"), Header("trace", "b"), Header(name: "none", value: nil)]
    let outputs = try flow(record(#"{"id": "x", "prompt": "hello"}"#, headers: headers))
    #expect(outputs.map(\.topic) == ["verdicts", "clean"])
    #expect(outputs[0].key == [1, 2])
    #expect(outputs[0].partition == Partition(5))
    #expect(outputs[1].partition == Partition(1), "5 wraps around in a topic of 4")
    #expect(Array(outputs[0].headers.prefix(3)) == headers)
    #expect(outputs[0].headers.text(of: "sluice-action") == "allow")
    #expect(outputs[1].value == Array(#"{"id": "x", "prompt": "hello"}"#.utf8))
    var decoder = VerdictDecoder()
    let verdict = try decoder.decode(try #require(outputs[0].value), as: .json)
    #expect(verdict.source == SourcePosition(topic: "in", partition: 5, offset: 42))
    #expect(verdict.judgement.score == Score(0.05))
  }

  @Test func anExchangeWithoutAnIdentifierIsNamedByItsPlace() throws {
    let outputs = try flow(record(#"{"prompt": "hello"}"#))
    var decoder = VerdictDecoder()
    #expect(try decoder.decode(try #require(outputs[0].value), as: .json).id == "in/5/42")
  }

  @Test func aSenderCannotForgeOurHeaders() throws {
    let forged = Header("sluice-action", "allow")
    let text = #"{"prompt": "\#(String(repeating: "x", count: 80))"}"#
    let outputs = try flow(record(text, headers: [forged]))
    #expect(outputs.map(\.topic) == ["verdicts", "quarantine"])
    for output in outputs {
      #expect(!output.headers.contains(forged))
      #expect(output.headers.text(of: "sluice-action") == "quarantine")
    }
  }

  @Test func verdictsFollowTheInputsFormatUnlessConfigured() throws {
    let outputs = try flow(record(#"{"prompt": "hello"}"#), format: .protobuf)
    #expect(outputs[0].headers.text(of: "content-type") == "application/x-protobuf")
    var decoder = VerdictDecoder()
    let verdict = try decoder.decode(try #require(outputs[0].value), as: .protobuf)
    #expect(verdict.id == "in/5/42")
  }

  @Test(arguments: [
    ("{", "malformed"), (#"{"response": "x"}"#, "missing_prompt"), ("\u{0}", "malformed"),
  ])
  func aBadRecordBecomesADeadLetterWithItsBytes(text: String, reason: String) throws {
    let outputs = try flow(record(text, headers: [Header("trace", "a")]))
    #expect(outputs.map(\.topic) == ["dead"])
    #expect(outputs[0].value == Array(text.utf8))
    #expect(outputs[0].key == [1, 2])
    #expect(outputs[0].headers.text(of: "trace") == "a")
    #expect(outputs[0].headers.text(of: "sluice-error-reason") == reason)
    #expect(outputs[0].headers.text(of: "sluice-error-offset") == "42")
  }

  @Test func aTextBeyondAllWindowsIsADeadLetterNotCut() throws {
    let text = #"{"prompt": "\#(String(repeating: "x", count: 300))"}"#
    let outputs = try flow(record(text))
    #expect(outputs[0].headers.text(of: "sluice-error-reason") == "too_long")
  }

  @Test(arguments: [
    (TombstonePolicy.skip, [String]()), (.forward, ["verdicts", "clean"]), (.deadLetter, ["dead"]),
  ])
  func tombstonesFollowTheirPolicy(policy: TombstonePolicy, topics: [String]) throws {
    let outputs = try flow(record(nil), tombstones: policy)
    #expect(outputs.map(\.topic) == topics)
    #expect(outputs.allSatisfy { $0.value == nil })
  }

  @Test func aPolicyThatFailsOpenPassesTheUnjudgedOn() throws {
    let outputs = try flow(
      record("{"), policies: PolicyBook(standard: Policy(unjudged: .open)))
    #expect(outputs.map(\.topic) == ["dead", "clean"])
    #expect(outputs[1].headers.text(of: "sluice-action") == "unjudged")
  }

  @Test func anUnknownContentTypeIsNotGuessed() throws {
    let outputs = try flow(
      record(#"{"prompt": "hello"}"#, headers: [Header("content-type", "text/csv")]))
    #expect(outputs.map(\.topic) == ["dead"])
  }

  /// A tenant that fails open gets what could not be judged, and nobody else does.
  @Test(arguments: [("acme", true), ("other", false), (nil, false)] as [(String?, Bool)])
  func aDeadLetterFollowsTheTenantsPolicy(tenant: String?, goesOn: Bool) throws {
    let policies = PolicyBook(byTenant: ["acme": Policy(name: "open", unjudged: .open)])
    let name = tenant.map { #""tenant": "\#($0)", "# } ?? ""
    let text = String(repeating: "a", count: 300)
    let record = InputRecord(
      source: SourcePosition(topic: "in", partition: 0, offset: 0), key: nil,
      value: Array(#"{\#(name)"prompt": "\#(text)"}"#.utf8))
    let topics = try flow(record, policies: policies).map(\.topic)
    #expect(topics == (goesOn ? ["dead", "clean"] : ["dead"]))
  }
}
