import ArgumentParser
import DeBERTa
import Distillation
import Foundation
import Tensors

/// Times optimizer steps: no tokenizer, no files.
struct TrainingBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Tokens per second of training, and the memory that it takes.",
    discussion: """
      Trains a model of random weights in fp32 with AdamW, dropout 0.1 and the gradient clipped to
      norm 1, on the same sequences in each step. With --peer it first runs the same steps in
      PyTorch, on padded batches as Hugging Face's trainer makes them, sorted by length.

      Example: sluice-bench train --lengths 64,128,256,512 --peer python3
      """)

  @Option(help: "Shape of the model: xsmall, small, base or large.") var size = ModelShape.small
  @Option(help: "Sequence lengths, separated by commas.")
  var lengths = "64,96,128,160,192,224,256,288,320,352,384,448,512,512"
  @Option(help: "Tokens that are computed at once.") var microBatchTokens = 4096
  @Option(help: "Steps that count.") var steps = 3
  @Option(help: "Steps before them.") var warmUp = 1
  @Option(help: "Threads; 0 for every processor.") var threads = 0
  @Flag(help: "Compute forward passes again in backward passes.") var recompute = false
  @Option(help: "A Python with torch and transformers, to run the peer.") var peer: String?
  @Option(help: "The peer's script.")
  var peerScript = "Sources/sluice-bench/peers/training_peer.py"

  func validate() throws {
    guard steps > 0, warmUp >= 0, microBatchTokens > 0, threads >= 0 else {
      throw ValidationError("--steps and --micro-batch-tokens are positive numbers")
    }
  }

  func run() throws {
    let numbers = lengths.split(separator: ",").compactMap { Int($0) }.filter { $0 > 1 }
    guard !numbers.isEmpty else { throw ValidationError("--lengths: expected numbers above 1") }
    let mix = LengthMix(lengths: numbers)
    let pool = WorkerPool(workers: threads)
    print(
      "v3-\(size.rawValue) shape, fp32: \(numbers.count) sequences and \(mix.tokens) tokens a step,"
        + " at most \(microBatchTokens) tokens at once, \(pool.workers) threads, "
        + matrixLibrary())
    let peerResult = try peer.map { try runPeer($0, numbers, threads: pool.workers) }
    let result = try train(mix, pool)
    print("        s per step  tokens/s  per processor second  peak resident MiB")
    peerResult.map { print($0.row("PyTorch", tokens: mix.tokens)) }
    print(result.row("Sluice", tokens: mix.tokens))
    if let peerResult {
      let speed = peerResult.median / result.median
      let work = peerResult.medianWork / result.medianWork
      let memory = Double(result.peakKilobytes) / Double(peerResult.peakKilobytes)
      print(
        "Sluice trains \(rounded(speed, 2)) times as fast (\(rounded(work, 2)) by processor time)"
          + " in \(rounded(memory, 2)) times the memory")
    }
  }

  private func train(_ mix: LengthMix, _ pool: WorkerPool) throws -> TrainingFigures {
    let configuration = try size.configuration()
    let model = TrainableModel(
      configuration: configuration, seed: 42, pool: pool, recomputesActivations: recompute)
    let sequences = mix.sequences(vocabulary: configuration.vocabulary)
    var recipe = TrainingRecipe()
    recipe.batchSize = sequences.count
    recipe.microBatchTokens = microBatchTokens
    recipe.balancesClasses = false
    recipe.warmUpSteps = 0
    recipe.epochs = .infinity
    recipe.stepsMax = warmUp + steps
    let examples = sequences.enumerated().map { index, tokens in
      TrainingExample(tokens: tokens, target: TrainingTarget(isUnsafe: index % 2 == 1))
    }
    let trainer = try Trainer(model: model, examples: examples, recipe: recipe, pool: pool)
    var figures = TrainingFigures()
    while !trainer.isFinished {
      let (start, work) = (ContinuousClock.now, processorSeconds())
      let point = try trainer.step()
      guard point.step > warmUp else { continue }
      figures.seconds.append((ContinuousClock.now - start) / .seconds(1))
      figures.processorSeconds.append(processorSeconds() - work)
    }
    figures.peakKilobytes = peakResidentKilobytes()
    return figures
  }

  private func runPeer(
    _ python: String, _ lengths: [Int], threads: Int
  ) throws -> TrainingFigures {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    let list = lengths.map(String.init).joined(separator: ",")
    process.arguments = [
      python, peerScript, "--size", size.rawValue, "--lengths", list,
      "--micro-batch-tokens", String(microBatchTokens), "--threads", String(threads),
      "--steps", String(steps), "--warm-up", String(warmUp),
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard let figures = try? JSONDecoder().decode(TrainingFigures.self, from: output),
      figures.seconds.count == steps
    else { throw ValidationError("the peer printed no figures") }
    return figures
  }
}

/// What some optimizer steps took; the peer prints the same as JSON.
struct TrainingFigures: Decodable {
  /// Of each step.
  var seconds: [Double] = []
  /// Of each step, on all processors together.
  var processorSeconds: [Double] = []
  /// The process's most resident memory.
  var peakKilobytes = 0

  /// Of the steps' seconds.
  var median: Double { Self.median(seconds) }

  /// Of the steps' processor seconds.
  var medianWork: Double { Self.median(processorSeconds) }

  /// One line of the table.
  func row(_ name: String, tokens: Int) -> String {
    let columns = [
      (rounded(median, 2), 12), (rounded(Double(tokens) / median, 1), 10),
      (rounded(Double(tokens) / medianWork, 1), 22), (String(peakKilobytes / 1024), 19),
    ]
    return columns.reduce(name + String(repeating: " ", count: max(0, 6 - name.count))) {
      $0 + String(repeating: " ", count: max(1, $1.1 - $1.0.count)) + $1.0
    }
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard let middle = sorted.indices.dropFirst(sorted.count / 2).first else { return .nan }
    return sorted.count.isMultiple(of: 2)
      ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }
}

private func rounded(_ value: Double, _ digits: Int) -> String {
  value.formatted(
    .number.precision(.fractionLength(digits)).grouping(.never).locale(Locale(identifier: "en")))
}
