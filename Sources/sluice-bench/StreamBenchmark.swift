import Basics
import ArgumentParser
import FilterService
import Foundation
import Glibc
import Guard
import Hosting
import Kafka
import Logging
import Pipeline
import Records
import Settings
import Telemetry
import Threading

/// `sluice-bench stream`: everything but the model, on real brokers' protocol.
struct StreamBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stream",
    abstract: "Records per second through consume, judge and transactional publish.",
    discussion: """
      Uses librdkafka's mock broker in a process of its own, a classifier that gives every exchange
      the same score, and JSON exchanges of the given size. With --peer it also runs a Python loop
      on confluent-kafka with the same guarantees, on the same broker in the same run. With --model
      a guard model judges, and tokens are counted, too; with --idle exchanges come one at a time,
      each when the one before it is committed, and only latencies are shown.

      Example: sluice-bench stream --count 400000
      Example: sluice-bench stream --peer python3 --peer-script kafka_loop.py
      Example: sluice-bench stream --model v3-large --device cuda --count 100000 --bytes 560
      Example: sluice-bench stream --model v3-large --device cuda --idle --count 500 --bytes 560
      """)

  @Option(help: "Exchanges.") var count = 300_000
  @Option(help: "Bytes of one exchange.") var bytes = 1024
  @Option(help: "How often to run each.") var repeats = 3
  @Option(help: "A Python with confluent-kafka, to run the peer.") var peer: String?
  @Option(help: "The peer's script.") var peerScript = "Sources/sluice-bench/peers/kafka_loop.py"

  @Option(help: "A model folder, to judge with.") var model: String?
  @Option(help: "Where it runs: auto, cpu or cuda:N.") var device = "auto"
  @Option(help: "Numbers that a GPU multiplies: auto, fp16, bf16 or fp8.") var precision = "auto"
  @Option(help: "Tokens of a batch at most.") var batchTokens = 16_384
  @Flag(help: "Send an exchange only when the one before it is committed.") var idle = false

  private var partitions: Int { count * (bytes + 100) / 4_000_000 + 4 }

  func run() throws {
    let broker = try BrokerProcess(partitions: partitions)
    defer { broker.stop() }
    let judge = try makeJudge()
    if !idle { try produce(0..<count, to: producer(broker.bootstrapServers)) }
    var rates: [Double] = []
    var peerRates: [Double] = []
    for round in 0..<repeats {
      rates.append(try runStream(broker.bootstrapServers, round: round, judge))
      if idle { return }
      print("sluice  \(Int(rates[round])) records/s")
      if let peer {
        peerRates.append(try runPeer(peer, broker.bootstrapServers, round: round))
        print("python  \(Int(peerRates[round])) records/s")
      }
    }
    let median = rates.sorted()[rates.count / 2]
    print("median  sluice \(Int(median)) records/s of \(bytes) bytes, \(count) records")
    if !peerRates.isEmpty {
      let peerMedian = peerRates.sorted()[peerRates.count / 2]
      let ratio = (median / peerMedian * 10).rounded() / 10
      print("median  python \(Int(peerMedian)) records/s; sluice is \(ratio) times as fast")
    }
  }

  private static let input = "bench.exchanges"

  private func makeJudge() throws -> StreamJudge {
    guard let model else { return StreamJudge(model: TrivialGuard(), batchesInFlightMax: 1) }
    return try StreamJudge(model, device: device, precision: precision)
  }

  private func producer(_ brokers: String) throws -> KafkaProducer {
    var configuration = KafkaConfiguration(bootstrapServers: brokers)
    configuration["queue.buffering.max.messages"] = "2000000"
    configuration["linger.ms"] = "20"
    return try KafkaProducer(configuration)
  }

  private func produce(_ numbers: Range<Int>, to producer: KafkaProducer) throws {
    let frame = #"{"id": "c-0000000", "prompt": "", "response": "short answer", "tenant": "acme"}"#
    let filler = String(repeating: "all work and no play ", count: bytes / 21 + 1)
      .prefix(max(0, bytes - frame.utf8.count))
    var records: [OutputRecord] = []
    for number in numbers {
      let digits = String(number)
      let id = "c-" + String(repeating: "0", count: 7 - min(7, digits.count)) + digits
      let json =
        #"{"id": "\#(id)", "prompt": "\#(filler)", "response": "short answer", "tenant": "acme"}"#
      records.append(
        OutputRecord(
          topic: Self.input, partition: Partition(Int32(number % partitions)), key: nil,
          value: Array(json.utf8)))
      if records.count == 10_000 {
        try producer.send(records, timeout: .seconds(60))
        records.removeAll(keepingCapacity: true)
      }
    }
    try producer.send(records, timeout: .seconds(60))
    try producer.flush(timeout: .seconds(120))
  }

  /// The whole backlog through the daemon's own parts; records per second from the first record
  /// read to the last one committed.
  private func runStream(
    _ brokers: String, round: Int, _ judge: StreamJudge
  ) throws -> Double {
    let running = try RunningStream(
      brokers, input: Self.input, group: "bench-\(getpid())-\(round)", judge: judge,
      batch: "{tokens_max: \(batchTokens)}")
    let daemon = running.daemon
    var start: ContinuousClock.Instant?
    var already = 0
    var sent = 0
    let producer = try idle ? producer(brokers) : nil
    while true {
      let committed = daemon.snapshot.counters.committed
      if let producer, committed == sent, sent < count, daemon.progress.wasAssigned {
        try produce(sent..<sent + 1, to: producer)
        sent += 1
      }
      if start == nil, daemon.snapshot.counters.received > 0 {
        (start, already) = (.now, committed)
      }
      if committed >= count { break }
      usleep(2000)
    }
    let elapsed = ContinuousClock.now - (start ?? .now)
    let snapshot = daemon.snapshot
    running.stop()
    precondition(snapshot.counters.verdicts == count, "every exchange has one verdict")
    let counters = snapshot.counters
    print(
      "  \(counters.batches) batches, \(counters.transactions) transactions,",
      "\(counters.pauses) pauses, \(daemon.doubts.total) doubts,",
      "milliseconds p50/p99: read to verdict \(Self.percentiles(snapshot.verdictLatency)),",
      "read to commit \(Self.percentiles(snapshot.latency)),",
      "the model alone \(Self.percentiles(snapshot.judging))")
    let seconds = elapsed.seconds
    if model != nil { print("  \(Int(Double(counters.tokens) / seconds)) tokens/s") }
    return Double(count - already) / seconds
  }

  private static func percentiles(_ histogram: LatencyHistogram) -> String {
    [50.0, 99.0].map { percentile in
      (Double(histogram.percentile(percentile)) / 1000)
        .formatted(.number.precision(.fractionLength(2)).grouping(.never))
    }.joined(separator: "/")
  }

  private func runPeer(_ python: String, _ brokers: String, round: Int) throws -> Double {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      python, peerScript, "--bootstrap", brokers, "--input", Self.input, "--output",
      "bench.peer-verdicts", "--count", String(count), "--group", "peer-\(getpid())-\(round)",
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard let rate = output.split(whereSeparator: \.isWhitespace).compactMap({ Double($0) }).last
    else { throw ValidationError("the peer printed no rate") }
    return rate
  }
}

/// Gives every exchange the same score without looking at it.
private struct TrivialGuard: Classifier, ExchangeTokenizer {
  let model = "trivial@00000000"
  let cut: UInt64 = 1

  func sequences(for exchange: Exchange) throws(TokenizationFailure) -> ExchangeSequences {
    ExchangeSequences(prompt: [[1]], response: [])
  }

  func judge(_ exchanges: [ExchangeSequences]) throws(ClassifierFailure) -> [Judgement] {
    exchanges.map { _ in
      Judgement(promptScore: Score(0), responseScore: nil, tokens: 1, windows: 1)
    }
  }
}
