import ArgumentParser
import Basics
import Foundation
import Glibc
import Kafka
import Records

/// `sluice-bench long`: what short exchanges wait for long ones.
struct LongTextBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "long",
    abstract: "Latency of short exchanges while long texts are judged.",
    discussion: """
      Short exchanges come one at a time to one partition, each some milliseconds after the verdict
      on the one before it is committed, while another partition always has a long text to judge.
      Once without long texts, once with those of a class of their own (batch.long_tokens), once
      with all of one class. Times are from sending to the commit.

      Example: sluice-bench long --model Sources/Guard/Resources/guard-minilm --seconds 20
      """)

  @Option(help: "A model folder, to judge with.") var model: String
  @Option(help: "Where it runs: auto, cpu or cuda:N.") var device = "auto"
  @Option(help: "Numbers that it multiplies: auto, fp32, bf16, int8.") var precision = "auto"
  @Option(help: "Characters of a long text.") var longCharacters = 60_000
  @Option(help: "Characters of a short text.") var shortCharacters = 300
  @Option(help: "Milliseconds between short ones.") var gap = 20
  @Option(help: "Seconds of each of the three.") var seconds = 20

  func run() throws {
    let judge = try StreamJudge(model, device: device, precision: precision)
    print("no long texts: \(try measure(judge, hasLong: false, longTokens: 2048))")
    print("a class of their own: \(try measure(judge, hasLong: true, longTokens: 2048))")
    print("one class: \(try measure(judge, hasLong: true, longTokens: 0))")
  }

  private static let input = "bench.exchanges"

  /// Runs one daemon, and says how long its short exchanges took.
  private func measure(_ judge: StreamJudge, hasLong: Bool, longTokens: Int) throws -> String {
    let broker = try BrokerProcess(partitions: 2)
    defer { broker.stop() }
    let stream = try RunningStream(
      broker.bootstrapServers, input: Self.input, group: "long-\(getpid())", judge: judge,
      batch: "{long_tokens: \(longTokens)}",
      // The mock broker answers a fetch that waits only at its end.
      kafka: ", consumer_properties: {fetch.wait.max.ms: 2}")
    defer { stream.stop() }
    while stream.daemon.snapshot.assigned.count < 2 { usleep(2000) }
    var configuration = KafkaConfiguration(bootstrapServers: broker.bootstrapServers)
    configuration["linger.ms"] = "0"
    let producer = try KafkaProducer(configuration)
    var long = Traffic(partition: Partition(0), text: Self.text(longCharacters))
    var short = Traffic(partition: Partition(1), text: Self.text(shortCharacters))
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
      if hasLong, long.isDone(in: stream) { try long.send(producer) }
      try short.send(producer)
      while !short.isDone(in: stream) { usleep(200) }
      usleep(UInt32(gap) * 1000)
    }
    let longs = hasLong ? ", beside \(long.times.count) long ones" : ""
    return short.figures + longs
  }

  private static func text(_ characters: Int) -> String {
    String(repeating: "all work and no play makes a dull day ", count: characters / 38 + 1)
  }

  /// Exchanges of one partition, one at a time.
  private struct Traffic {
    let partition: Partition
    let text: String
    private var sent = 0
    private var sentAt = ContinuousClock.now
    /// From sending to the commit, in milliseconds.
    private(set) var times: [Double] = []

    init(partition: Partition, text: String) {
      self.partition = partition
      self.text = text
    }

    mutating func send(_ producer: KafkaProducer) throws {
      let json = #"{"id": "\#(sent)", "prompt": "\#(text) \#(sent)"}"#
      sentAt = .now
      sent += 1
      try producer.send(
        [
          OutputRecord(
            topic: LongTextBenchmark.input, partition: partition, key: nil, value: Array(json.utf8))
        ], timeout: .seconds(10))
    }

    /// Whether the last one that was sent is committed; its time is then noted.
    mutating func isDone(in stream: RunningStream) -> Bool {
      let place = TopicPartition(topic: LongTextBenchmark.input, partition: partition)
      let committed = stream.daemon.snapshot.committed[place]?.rawValue ?? 0
      guard committed >= Int64(sent) else { return false }
      if times.count < sent { times.append((ContinuousClock.now - sentAt).seconds * 1000) }
      return true
    }

    var figures: String {
      let sorted = times.sorted()
      guard let last = sorted.last else { return "none" }
      func percentile(_ share: Double) -> String {
        sorted[Int(Double(sorted.count - 1) * share)]
          .formatted(.number.precision(.fractionLength(0)).grouping(.never))
      }
      return "\(sorted.count) short ones, milliseconds p50 \(percentile(0.5)), "
        + "p99 \(percentile(0.99)), longest \(Int(last))"
    }
  }
}
