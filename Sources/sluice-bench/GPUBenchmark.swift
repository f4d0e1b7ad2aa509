import Basics
import ArgumentParser
import CudaDeBERTa
import CudaDevice
import DeBERTa
import Foundation
import Presentation
import Tensors

/// Times the GPU engine alone, checks it against the CPU, and compares it with what the chip can
/// do.
struct GPUBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gpu",
    abstract: "Tokens per second, agreement with the CPU, and shares of the GPU's peaks.",
    discussion: """
      Each workload is a length (all sequences that long) or `mix`, the lengths in --mix. Token ids
      are random, the same in each run; padding there is none. With --peer, the same weights and
      lengths go through peers/gpu_peers.py in the same run, and the ratios to the best are shown.

      Example: sluice-bench gpu --model v3-large --precisions fp16,fp8 --peer python3 --report r
      """)

  @Option(help: "Model folder in Hugging Face layout.") var model: String
  @Option(help: "The GPU's place in the driver's list.") var ordinal = 0
  @Option(help: "Precisions, separated by commas.") var precisions = "fp16,bf16,fp8"
  @Option(help: "Workloads, separated by commas: lengths, or mix.") var workloads = "128,512,mix"
  @Option(help: "A file of sequence lengths, one a line, for the workload mix.") var mix: String?
  @Option(help: "Tokens of each workload, at least.") var tokens = 262_144
  @Option(help: "Seconds to repeat each workload for.") var seconds = 3.0
  @Option(help: "Sequences to compare with the CPU.") var compared = 32
  @Option(help: "Single sequences of 128 tokens whose latency is measured.") var singles = 500
  @Option(help: "Rows and columns of the product that shows the peak.") var peakSize = 8192
  @Option(help: "Python with PyTorch, for the peers.") var peer: String?
  @Option(help: "The peers' script.") var peerScript = "Sources/sluice-bench/peers/gpu_peers.py"
  @Option(help: "Write all figures as JSON here, too.") var report: String?

  func run() throws {
    let environment = ProcessInfo.processInfo.environment
    let search = LibrarySearch(environment: environment)
    let engine = try CudaEngine(ordinal: ordinal, search: search, environment: environment)
    let device = engine.device
    let report = CudaReport(search: search)
    print("driver for CUDA \(Self.version { try report.driver.get().version }),", terminator: " ")
    print("NVRTC \(Self.version { try report.compiler.get().version }),", terminator: " ")
    print("cuBLASLt \(Self.version { try report.products.get().version })")
    print("\(device.name), \(device.architecture), \(device.multiprocessors) multiprocessors")
    if engine.lacksProductLibrary { print("without cuBLASLt: products by a kernel of our own") }
    let peaks = try DevicePeaks(of: engine, size: peakSize)
    var figures = GPUFigures(device: device.name, peaks: peaks)
    print(figures.peaksTable)

    let loaded = try LoadedModel(folder: model, pool: WorkerPool())
    let loads = try workloads.split(separator: ",").map { try workload(String($0), loaded) }
    let comparison = try Comparison(loaded, count: compared)
    for name in precisions.split(separator: ",") {
      guard let precision = Precision(rawValue: String(name)) else {
        throw ValidationError("--precisions: there is no \(name)")
      }
      do throws(CudaFailure) {
        let classifier = try CudaClassifier(
          loaded, precision: precision, engine: engine, slowed: { print("\(name): \($0)") })
        try measure(classifier, loads, comparison, peaks, &figures)
      } catch {
        print("\(name): \(error)")
        figures.failures["\(name)"] = error.description
      }
    }
    print(figures.table)
    if let peer { try figures.add(peers: runPeers(peer, loads)) }
    if let report = self.report { try figures.write(to: report) }
  }

  private static func version(_ found: () throws -> CudaVersion) -> String {
    (try? found())?.description ?? "not there"
  }

  private struct Workload {
    let name: String
    let mix: LengthMix
    let sequences: [[Int32]]
  }

  private func workload(_ name: String, _ model: LoadedModel) throws -> Workload {
    let lengths: [Int]
    if name == "mix" {
      guard let mix else { throw ValidationError("the workload mix needs --mix") }
      lengths = try String(contentsOfFile: mix, encoding: .utf8).split(separator: "\n")
        .compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }.filter { $0 > 0 }
    } else {
      guard let length = Int(name), length > 0 else {
        throw ValidationError("--workloads: expected lengths or mix, not \(name)")
      }
      lengths = [length]
    }
    guard !lengths.isEmpty else { throw ValidationError("--mix: no lengths in it") }
    var all: [Int] = []
    while all.reduce(0, +) < tokens { all += lengths }
    let mix = LengthMix(lengths: all)
    return Workload(
      name: name, mix: mix, sequences: mix.sequences(vocabulary: model.configuration.vocabulary))
  }

  private func measure(
    _ classifier: CudaClassifier, _ loads: [Workload], _ comparison: Comparison,
    _ peaks: DevicePeaks, _ figures: inout GPUFigures
  ) throws(CudaFailure) {
    do throws(BatchError) {
      try classifier.warmUp()
      for trial in classifier.batchTrials {
        let isChosen = trial.tokens == classifier.batchMax.tokens
        print(
          "\(classifier.precision.rawValue), batches of \(trial.tokens) tokens:",
          "\(Int(trial.tokensPerSecond)) tokens/s\(isChosen ? ", chosen" : "")")
      }
      let agreement = try comparison.agreement(with: classifier)
      let latencies = try latencies(classifier)
      for load in loads {
        let rate = try rate(classifier, load)
        figures.rows.append(
          GPUFigures.Row(
            precision: classifier.precision.rawValue, workload: load.name, tokensPerSecond: rate,
            largestDifference: agreement.largest, meanDifference: agreement.mean,
            decisionAgreement: agreement.decisions, singleMedianMilliseconds: latencies.median,
            single99Milliseconds: latencies.high))
        print("\(classifier.precision.rawValue), \(load.name): \(Int(rate)) tokens/s")
      }
    } catch {
      throw .failed(function: "judging on the GPU", reason: "\(error)")
    }
    for load in loads {
      let steps = try steps(classifier, load, peaks)
      figures.steps["\(classifier.precision.rawValue), \(load.name)"] = steps
      print(GPUFigures.stepsTable("\(classifier.precision.rawValue), \(load.name)", steps))
    }
  }

  /// Real tokens a second, the median over as many passes as the time allows.
  private func rate(
    _ classifier: CudaClassifier, _ load: Workload
  ) throws(BatchError) -> Double {
    let batch = TokenBatch(load.sequences)
    var logits: [Logits] = []
    try classifier.classify(batch, into: &logits)
    var rates: [Double] = []
    let end = ContinuousClock.now + .seconds(seconds)
    while rates.count < 3 || ContinuousClock.now < end {
      logits.removeAll(keepingCapacity: true)
      let start = ContinuousClock.now
      try classifier.classify(batch, into: &logits)
      rates.append(Double(load.mix.tokens) / (ContinuousClock.now - start).seconds)
    }
    return rates.sorted()[rates.count / 2]
  }

  /// Milliseconds of single sequences of 128 tokens on an idle GPU: the median and the 99th in 100.
  private func latencies(
    _ classifier: CudaClassifier
  ) throws(BatchError) -> (median: Double, high: Double) {
    let mix = LengthMix(lengths: [128])
    let batch = TokenBatch(mix.sequences(vocabulary: classifier.configuration.vocabulary))
    for _ in 0..<10 { _ = try classifier.classify(batch) }
    var times: [Double] = []
    for _ in 0..<max(1, singles) {
      let start = ContinuousClock.now
      _ = try classifier.classify(batch)
      times.append((ContinuousClock.now - start) / .milliseconds(1))
    }
    times.sort()
    return (times[times.count / 2], times[times.count * 99 / 100])
  }

  /// What each step of a full batch takes, beside the least that the chip would need.
  private func steps(
    _ classifier: CudaClassifier, _ load: Workload, _ peaks: DevicePeaks
  ) throws(CudaFailure) -> [GPUFigures.StepRow] {
    var batch = TokenBatch()
    for sequence in load.sequences {
      let (tokens, sequences) = classifier.batchMax
      guard batch.tokens.count + sequence.count <= tokens, batch.count < sequences else { break }
      batch.append(sequence)
    }
    _ = try classifier.profile(batch)
    var runs: [[Step: Double]] = []
    for _ in 0..<5 { runs.append(try classifier.profile(batch)) }

    return Step.allCases.map { step in
      let times = runs.compactMap { $0[step] }.sorted()
      let cost = step.cost(of: batch, classifier.configuration)
      let peak = peaks.operations[
        step == .attention ? classifier.precision.wide : classifier.precision]
      let least = max(peak.map { cost.operations / $0 } ?? 0, cost.bytes / peaks.bytes)
      return GPUFigures.StepRow(
        step: step.rawValue,
        nanosecondsPerToken: (times.isEmpty ? 0 : times[times.count / 2])
          / Double(batch.tokens.count) * 1e9,
        leastNanosecondsPerToken: least / Double(batch.tokens.count) * 1e9,
        isBoundByMemory: cost.bytes / peaks.bytes >= least)
    }
  }

  private func runPeers(_ python: String, _ loads: [Workload]) throws -> Data {
    let output = FileManager.default.temporaryDirectory
      .appending(path: "sluice-peers-\(ProcessInfo.processInfo.processIdentifier).json")
    defer { try? FileManager.default.removeItem(at: output) }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments =
      [
        python, peerScript, "--model", model, "--lengths", workloads, "--output", output.path,
      ] + (mix.map { ["--mix-lengths", $0] } ?? [])
    try process.run()
    process.waitUntilExit()
    guard let data = FileManager.default.contents(atPath: output.path) else {
      throw ValidationError("the peers left no figures")
    }
    return data
  }
}

/// Some sequences with what the CPU makes of them.
private struct Comparison {
  private let batch: TokenBatch
  private let expected: [Logits]

  init(_ model: LoadedModel, count: Int) throws(BatchError) {
    let mix = LengthMix(lengths: (0..<max(1, count)).map { 4 + 37 * $0 % 300 })
    batch = TokenBatch(mix.sequences(vocabulary: model.configuration.vocabulary))
    expected = try DeBERTaClassifier(model, pool: WorkerPool()).classify(batch)
  }

  /// Differences of P(unsafe), and the share of decisions at 0.5 that are the same.
  func agreement(
    with classifier: CudaClassifier
  ) throws(BatchError) -> (largest: Double, mean: Double, decisions: Double) {
    let pairs = zip(try classifier.classify(batch), expected).map {
      ($0.unsafeProbability, $1.unsafeProbability)
    }
    let differences = pairs.map { abs($0 - $1) }
    let same = pairs.count { ($0 >= 0.5) == ($1 >= 0.5) }
    return (
      differences.contains(where: \.isNaN) ? .nan : differences.max() ?? .nan,
      differences.reduce(0, +) / Double(pairs.count), Double(same) / Double(pairs.count)
    )
  }
}
