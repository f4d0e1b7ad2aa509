import Basics
import ArgumentParser
import DeBERTa
import Foundation
internal import StrictJSON
import Tensors

/// Times the inference engine alone: no tokenizer, no Kafka.
struct EngineBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engine", abstract: "Tokens per second of the inference engine.")

  @Option(help: "Model folder in Hugging Face layout.") var model: String
  @Option(help: "JSON lines with prompt and response, whose lengths to use.") var data: String?
  @Option(help: "Sequence lengths, separated by commas.") var lengths: String?
  @Option(help: "Exchanges to take from the data.") var rows = 24
  @Option(help: "Threads; 0 for every processor.") var threads = 0
  @Option(help: "Numbers that are multiplied: fp32, bf16 or int8.") var precision = "fp32"
  @Flag(help: "All threads judge each batch together; otherwise lanes do where that is faster.")
  var together = false
  @Option(help: "Runs of each kind, of which the fastest counts.") var repeats = 3
  @Option(help: "Single sequences of each length whose time is taken.") var turns = 100
  @Option(help: "Judge the token ids in this file of JSON arrays and print the logits only.")
  var dumpLogits: String?

  func run() throws {
    let start = ContinuousClock.now
    let pool = WorkerPool(workers: threads)
    let format = ProductFormat(rawValue: precision)
    guard format != nil || precision == "fp32" else {
      throw ValidationError("--precision: expected fp32, bf16 or int8")
    }
    let loaded = try LoadedModel(folder: model, pool: pool)
    let whole =
      if let format {
        DeBERTaClassifier(loaded, format: format, pool: pool)
      } else {
        DeBERTaClassifier(loaded, pool: pool)
      }
    let classifier: any SequenceClassifier = together ? whole : LanedClassifier(whole)
    let loading = ContinuousClock.now - start
    if let dumpLogits {
      try dump(dumpLogits, classifier)
      let seconds = loading.seconds.formatted(.number.precision(.fractionLength(3)))
      FileHandle.standardError.write(
        Data("loaded in \(seconds) s, peak resident \(peakResidentKilobytes() / 1024) MiB\n".utf8))
      return
    }
    let mix = try mix()
    let sequences = mix.sequences(vocabulary: classifier.configuration.vocabulary)
    print(
      "model \(classifier.hash), loaded in \(loading), \(pool.workers)"
        + " threads, \(precision), \(matrixLibrary())")
    print("\(sequences.count) sequences, \(mix.tokens) tokens")
    let sorted = sequences.sorted { $0.count < $1.count }
    let eights = stride(from: 0, to: sorted.count, by: 8).map {
      TokenBatch(sorted[$0..<min($0 + 8, sorted.count)])
    }
    let peak = ProductPeak(classifier.configuration, format: format, pool: pool)
    print("products alone: \(Self.text(peak.gigaflops, digits: 0)) GFLOP/s")
    let work = Work(sequences, classifier.configuration, peak: peak)
    try report("sorted batches of 8", eights, classifier, work)
    try report("single sequences", sorted.map { TokenBatch([$0]) }, classifier, work)
    try report("one packed batch", [TokenBatch(sequences)], classifier, work)
    let longest = classifier.configuration.absolutePositions ?? .max
    for length in Self.latencyLengths where length <= longest && turns > 0 {
      try reportLatency(of: length, classifier)
    }
    print("peak resident \(peakResidentKilobytes() / 1024) MiB")
  }

  private func mix() throws -> LengthMix {
    if let data { return try LengthMix(file: data, rows: rows) }
    let numbers = (lengths ?? "").split(separator: ",").compactMap { Int($0) }.filter { $0 > 0 }
    guard !numbers.isEmpty else { throw ValidationError("give --data or --lengths") }
    return LengthMix(lengths: numbers)
  }

  /// What all sequences together cost, and what the machine can do.
  private struct Work {
    let tokens: Int
    /// Billions of operations.
    let gigaflop: Double
    let peak: ProductPeak

    init(_ sequences: [[Int32]], _ shape: ModelConfiguration, peak: ProductPeak) {
      tokens = sequences.reduce(0) { $0 + $1.count }
      let operations = sequences.reduce(0) {
        $0 + 2 * $1.count * shape.multiplyAdds(length: $1.count)
      }
      gigaflop = Double(operations) / 1e9
      self.peak = peak
    }
  }

  private func report(
    _ name: String, _ batches: [TokenBatch], _ classifier: any SequenceClassifier, _ work: Work
  ) throws {
    var results: [Logits] = []
    var best = Double.infinity
    var leastTime = Double.infinity
    for _ in 0..<max(1, repeats) {
      results.removeAll(keepingCapacity: true)
      let (start, time) = (ContinuousClock.now, processorSeconds())
      for batch in batches { try classifier.classify(batch, into: &results) }
      best = min(best, (ContinuousClock.now - start).seconds)
      leastTime = min(leastTime, processorSeconds() - time)
    }
    let rates = [best, leastTime].map { Self.text(Double(work.tokens) / $0, digits: 1) }
    let speed = work.gigaflop / best
    // The second figure is the steadier one where other processes want the processors too.
    print(
      "\(name): \(rates[0]) tokens/s, \(rates[1]) per processor second,"
        + " \(Self.text(speed, digits: 0)) GFLOP/s,"
        + " \(Self.text(100 * speed / work.peak.gigaflops, digits: 0)) % of the products alone")
  }

  /// What one sequence waits when nothing else is to be done.
  private func reportLatency(of length: Int, _ classifier: any SequenceClassifier) throws {
    let mix = LengthMix(lengths: [length])
    let batch = TokenBatch(mix.sequences(vocabulary: classifier.configuration.vocabulary))
    var results: [Logits] = []
    let times = try (0..<turns).map { _ in
      results.removeAll(keepingCapacity: true)
      let start = ContinuousClock.now
      try classifier.classify(batch, into: &results)
      return 1000 * (ContinuousClock.now - start).seconds
    }.sorted()
    let (middle, late) = (times[times.count / 2], times[times.count * 99 / 100])
    print(
      "one sequence of \(length) tokens: \(Self.text(middle, digits: 1)) ms p50,"
        + " \(Self.text(late, digits: 1)) ms p99")
  }

  private static let latencyLengths = [64, 128, 512]

  private static func text(_ number: Double, digits: Int) -> String {
    number.formatted(.number.precision(.fractionLength(digits)))
  }

  /// One line of two logits per line of token ids, for comparison with PyTorch.
  private func dump(_ file: String, _ classifier: any SequenceClassifier) throws {
    let text = try String(contentsOfFile: file, encoding: .utf8)
    for line in text.split(separator: "\n") {
      let tokens = try JSONCoder.decode([Int32].self, from: Data(line.utf8))
      for logits in try classifier.classify(TokenBatch([tokens])) {
        print("\(logits.safe) \(logits.unsafe)")
      }
    }
  }
}
