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
  @Option(help: "Runs of each kind, of which the fastest counts.") var repeats = 3
  @Option(help: "Judge the token ids in this file of JSON arrays and print the logits only.")
  var dumpLogits: String?

  func run() throws {
    let start = ContinuousClock.now
    let classifier = try DeBERTaClassifier(folder: model, pool: WorkerPool(workers: threads))
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
      "model \(classifier.hash), loaded in \(loading), \(WorkerPool(workers: threads).workers)"
        + " threads, \(matrixLibrary())")
    print("\(sequences.count) sequences, \(mix.tokens) tokens")
    let sorted = sequences.sorted { $0.count < $1.count }
    let eights = stride(from: 0, to: sorted.count, by: 8).map {
      TokenBatch(sorted[$0..<min($0 + 8, sorted.count)])
    }
    try report("sorted batches of 8", eights, classifier, tokens: mix.tokens)
    try report("single sequences", sorted.map { TokenBatch([$0]) }, classifier, tokens: mix.tokens)
    try report("one packed batch", [TokenBatch(sequences)], classifier, tokens: mix.tokens)
    print("peak resident \(peakResidentKilobytes() / 1024) MiB")
  }

  private func mix() throws -> LengthMix {
    if let data { return try LengthMix(file: data, rows: rows) }
    let numbers = (lengths ?? "").split(separator: ",").compactMap { Int($0) }.filter { $0 > 0 }
    guard !numbers.isEmpty else { throw ValidationError("give --data or --lengths") }
    return LengthMix(lengths: numbers)
  }

  private func report(
    _ name: String, _ batches: [TokenBatch], _ classifier: DeBERTaClassifier, tokens: Int
  ) throws {
    var results: [Logits] = []
    var best = Double.infinity
    var leastWork = Double.infinity
    for _ in 0..<max(1, repeats) {
      results.removeAll(keepingCapacity: true)
      let (start, work) = (ContinuousClock.now, processorSeconds())
      for batch in batches { try classifier.classify(batch, into: &results) }
      best = min(best, (ContinuousClock.now - start).seconds)
      leastWork = min(leastWork, processorSeconds() - work)
    }
    let rates = [best, leastWork].map {
      (Double(tokens) / $0).formatted(.number.precision(.fractionLength(1)))
    }
    // The second figure is the steadier one where other processes want the processors too.
    print("\(name): \(rates[0]) tokens/s, \(rates[1]) per processor second")
  }

  /// One line of two logits per line of token ids, for comparison with PyTorch.
  private func dump(_ file: String, _ classifier: DeBERTaClassifier) throws {
    let text = try String(contentsOfFile: file, encoding: .utf8)
    for line in text.split(separator: "\n") {
      let tokens = try JSONCoder.decode([Int32].self, from: Data(line.utf8))
      for logits in try classifier.classify(TokenBatch([tokens])) {
        print("\(logits.safe) \(logits.unsafe)")
      }
    }
  }
}
