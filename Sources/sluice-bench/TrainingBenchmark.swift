import Basics
import ArgumentParser
import DeBERTa
import Distillation
import Foundation
internal import StrictJSON
import Tensors

/// Times optimizer steps: no tokenizer, no files.
struct TrainingBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Tokens per second of training, and the memory that it takes.",
    discussion: """
      Trains a model of random weights with AdamW, dropout 0.1 and the gradient clipped to
      norm 1, on the same sequences in each step. With --peer it first runs the same steps in
      PyTorch, on padded batches as Hugging Face's trainer makes them, sorted by length: with as
      many tokens at once, and with fewer, where PyTorch is faster and needs less memory.

      Example: sluice-bench train --lengths 64,128,256,512 --peer python3
      """)

  @Option(help: "Shape of the model: xsmall, small, base or large.") var size = ModelShape.small
  @Option(help: "Sequence lengths, separated by commas.")
  var lengths = "64,96,128,160,192,224,256,288,320,352,384,448,512,512"
  @Option(help: "Tokens that are computed at once.") var microBatchTokens = 4096
  @Option(help: "Steps that count.") var steps = 3
  @Option(help: "Steps before them.") var warmUp = 1
  @Option(help: "Threads; 0 for every processor.") var threads = 0
  @Option(help: "Numbers that linear maps multiply: fp32 or bf16.")
  var precision = TrainingPrecision.fp32
  @Flag(help: "Compute forward passes again in backward passes.") var recompute = false
  @Option(help: "A Python with torch and transformers, to run the peer.") var peer: String?
  @Option(help: "Tokens that the peer computes at once, in another run of it; 0 for none.")
  var peerTokens = 512
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
      "v3-\(size.rawValue) shape, \(precision.rawValue): \(numbers.count) sequences and "
        + "\(mix.tokens) tokens a step, at most \(microBatchTokens) tokens at once, "
        + "\(pool.workers) threads, " + matrixLibrary())
    var peers: [(name: String, figures: TrainingFigures)] = []
    for tokens in [microBatchTokens, peerTokens] where tokens > 0 && peer != nil {
      peers.append(("PyTorch, \(tokens) at once", try runPeer(tokens, numbers, pool.workers)))
    }
    let figures = try train(mix, pool)
    print("                        s per step  tokens/s  per processor second  peak MiB")
    for (name, figures) in peers { print(figures.row(name, tokens: mix.tokens)) }
    print(figures.row("Sluice, \(microBatchTokens) at once", tokens: mix.tokens))
    for (name, peer) in peers { print(figures.comparison(with: peer, name)) }
  }

  private func train(_ mix: LengthMix, _ pool: WorkerPool) throws -> TrainingFigures {
    let configuration = try size.configuration()
    let model = TrainableModel(
      configuration: configuration, seed: 42, pool: pool, recomputesActivations: recompute,
      precision: precision)
    let sequences = mix.sequences(vocabulary: configuration.vocabulary)
    var recipe = TrainingRecipe()
    recipe.batchSize = sequences.count
    recipe.microBatchTokens = microBatchTokens
    recipe.balancesClasses = false
    recipe.warmUpSteps = 0
    recipe.epochs = .infinity
    recipe.stepsMax = warmUp + steps
    let examples = sequences.enumerated().map { index, tokens in
      TrainingExample(
        tokens: TokenSequence(tokens), target: TrainingTarget(isUnsafe: index % 2 == 1))
    }
    let trainer = try Trainer(model: model, examples: examples, recipe: recipe, pool: pool)
    var figures = TrainingFigures()
    while !trainer.isFinished {
      let (start, work) = (ContinuousClock.now, processorSeconds())
      let point = try trainer.step()
      guard point.step > warmUp else { continue }
      figures.seconds.append((ContinuousClock.now - start).seconds)
      figures.processorSeconds.append(processorSeconds() - work)
    }
    figures.peakKilobytes = peakResidentKilobytes()
    return figures
  }

  private func runPeer(
    _ tokens: Int, _ lengths: [Int], _ threads: Int
  ) throws -> TrainingFigures {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    let list = lengths.map(String.init).joined(separator: ",")
    process.arguments = [
      peer ?? "python3", peerScript, "--size", size.rawValue, "--lengths", list,
      "--micro-batch-tokens", String(tokens), "--threads", String(threads),
      "--steps", String(steps), "--warm-up", String(warmUp),
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard let figures = try? JSONCoder.decode(TrainingFigures.self, from: output),
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
      (rounded(Double(tokens) / medianWork, 1), 22), (String(peakKilobytes / 1024), 10),
    ]
    let start = name + String(repeating: " ", count: max(0, 22 - name.count))
    return columns.reduce(start) {
      $0 + String(repeating: " ", count: max(1, $1.1 - $1.0.count)) + $1.0
    }
  }

  /// How these figures stand to others.
  func comparison(with other: TrainingFigures, _ name: String) -> String {
    let speed = rounded(other.median / median, 2)
    let work = rounded(other.medianWork / medianWork, 2)
    let memory = rounded(Double(peakKilobytes) / Double(other.peakKilobytes), 2)
    return "beside \(name): \(speed) times as fast, \(work) by processor time, "
      + "\(memory) times the memory"
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

extension TrainingPrecision: ExpressibleByArgument {}
