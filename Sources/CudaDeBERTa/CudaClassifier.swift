package import CudaDevice
package import DeBERTa
package import Tensors
internal import Threading

/// A DeBERTa classifier on a GPU.
///
/// Sequences are packed without padding, sorted by length, into batches that fill the GPU. Several
/// threads may call it: a batch is prepared while the ones before it are computed.
package final class CudaClassifier: SequenceClassifier {
  package let configuration: ModelConfiguration
  package let hash: ContentHash
  /// The numbers that it multiplies.
  package let precision: Precision
  private let lanes: [DeviceSlot]
  private let freeLanes: Monitor<[Int]>
  private let capacity: LaneCapacity
  private let batchSize: BatchSize
  private let recording: Recording

  /// Batches that are on their way at once: one is prepared while one is computed.
  private static let laneCount = 2
  /// Tokens of a batch per multiprocessor: four times what fills it once, so that little of it
  /// idles at a batch's end.
  private static let tokensPerMultiprocessor = 128
  private static let tokensMin = 256

  /// Brings a model to the GPU, with room for batches as large as its memory allows.
  ///
  /// - Parameter slowed: told why small batches take longer from now on, on whatever thread.
  package init(
    _ model: LoadedModel, precision: Precision, engine: CudaEngine,
    slowed: @escaping @Sendable (_ reason: String) -> Void = { _ in }
  ) throws(CudaFailure) {
    try Self.check(model.configuration, model.labels, precision)
    configuration = model.configuration
    hash = model.hash
    self.precision = precision
    recording = Recording(report: slowed)
    (lanes, capacity) = try Self.makeLanes(
      model.weights, model.configuration, precision: precision, recording, engine: engine)
    freeLanes = Monitor(Array(lanes.indices))
    batchSize = BatchSize(tokens: capacity.tokens)
  }

  package var packedTokensMax: Int { 4 * capacity.tokens }
  /// Tokens and sequences that are computed at once at most.
  package var batchMax: (tokens: Int, sequences: Int) { (batchSize.tokens, capacity.sequences) }
  /// The sizes of batches that were tried, with tokens a second.
  package var batchTrials: [(tokens: Int, tokensPerSecond: Double)] {
    batchSize.trials.map { ($0.tokens, $0.tokensPerSecond) }
  }

  package func classify(
    _ batch: TokenBatch, into results: inout [Logits]
  ) throws(BatchError) {
    try configuration.check(batch)
    for sequence in 0..<batch.count where batch.range(of: sequence).count > capacity.tokens {
      throw .tooLong(sequence: sequence, tokensMax: capacity.tokens)
    }
    var logits = [Logits](repeating: Logits(safe: 0, unsafe: 0), count: batch.count)
    var begun: [(lane: Int, sequences: [Int])] = []
    do throws(CudaFailure) {
      for sequences in packed(batch) {
        let lane = try takeLane(&begun, &logits)
        begun.append((lane, sequences))
        try lanes[lane].begin(sequences.map { batch.tokens[batch.range(of: $0)] })
      }
      while !begun.isEmpty { giveBack(try finishFirst(&begun, &logits)) }
    } catch {
      // What other work a lane has is still on its way, unless the GPU is lost.
      for (lane, _) in begun {
        lanes[lane].settle()
        giveBack(lane)
      }
      throw .device(error.description)
    }
    results += logits
  }

  /// Measures how to do each product best, of all sizes that batches may have, records the work of
  /// small batches, and finds how large batches should be. All of that is a number of batches that
  /// depends on the GPU's size only; other calls wait for most of it.
  package func warmUp() throws(BatchError) {
    let all = freeLanes.wait { free -> Monitor<[Int]>.WaitStep<[Int]> in
      guard free.count == lanes.count else { return .sleep(atMost: nil) }
      defer { free = [] }
      return .done(free)
    }
    do throws(CudaFailure) {
      defer { freeLanes.update { $0 = all } }
      // Lanes share what one of them found.
      try lanes[0].tryProducts()
      try tryRecording()
    } catch {
      throw .device(error.description)
    }
    let candidates = BatchSize.candidates(upTo: capacity.tokens)
    if candidates.count > 1 {
      try chooseBatchSize(from: candidates, work: 2 * capacity.tokens)
    }
  }

  /// Gives each lane a batch of each recorded shape three times: its work is launched kernel by
  /// kernel, then recorded, then replayed, so that no later batch waits for that.
  ///
  /// Two batches take turns, so that a replay that does nothing is seen. Whatever computes a batch,
  /// its logits are the same, to the last bit.
  private func tryRecording() throws(CudaFailure) {
    for shape in lanes[0].recordedShapes {
      var expected: [[Logits]?] = [nil, nil]
      for round in 0..<3 {
        for (number, lane) in lanes.enumerated() where recording.isUsed {
          let turn = (round + number) % expected.count
          let batch = sequences(of: shape, seed: turn)
          try lane.begin(batch)
          let logits = try lane.finish(sequences: batch.count)
          guard logits == expected[turn] ?? logits else {
            recording.giveUp(because: "replayed work gives other scores than launched work")
            return
          }
          expected[turn] = logits
        }
      }
    }
  }

  /// As many sequences as a shape has, equally long, which fill it as far as the model's positions
  /// allow.
  private func sequences(of shape: BatchShape, seed: Int) -> [ArraySlice<Int32>] {
    let length = min(shape.tokens / shape.sequences, configuration.absolutePositions ?? .max)
    return (0..<shape.sequences).map { sequence in
      (0..<length).map {
        Int32(($0 * 31 + sequence * 7 + seed * 3 + 1) % configuration.vocabulary)
      }[...]
    }
  }

  /// Tries sizes of batches, the largest first, none of them larger than there is room for.
  ///
  /// - Parameter work: tokens to compute in each trial, at least.
  package func chooseBatchSize(from candidates: [Int], work: Int) throws(BatchError) {
    precondition(candidates.allSatisfy { $0 <= capacity.tokens }, "there is no room for that")
    // Lengths as exchanges have them. What the tokens are makes no difference.
    let longest = configuration.absolutePositions ?? .max
    var batch = TokenBatch()
    var length = 0
    while batch.tokens.count < work {
      length = length % 512 + 64
      batch.append(
        (0..<min(length, longest)).map { Int32(($0 * 31 + length) % configuration.vocabulary) })
    }
    try batchSize.choose(from: candidates, work: batch.tokens.count) { () throws(BatchError) in
      _ = try classify(batch)
    }
  }

  /// Seconds of each step for one batch, which must fit into one; other calls wait. A pass that is
  /// measured is a little slower than one that is not.
  package func profile(_ batch: TokenBatch) throws(CudaFailure) -> [Step: Double] {
    precondition(batch.tokens.count <= capacity.tokens && batch.count <= capacity.sequences)
    let lane = freeLanes.wait { free in free.popLast().map { .done($0) } ?? .sleep(atMost: nil) }
    defer { giveBack(lane) }
    return try lanes[lane].profile((0..<batch.count).map { batch.tokens[batch.range(of: $0)] })
  }

  /// The sequences by number, longest first, in groups that a lane has room for.
  private func packed(_ batch: TokenBatch) -> [[Int]] {
    var groups: [[Int]] = []
    var tokens = 0
    let tokensMax = batchSize.tokens
    let sorted = (0..<batch.count).sorted { batch.range(of: $0).count > batch.range(of: $1).count }
    for sequence in sorted {
      let length = batch.range(of: sequence).count
      if let count = groups.last?.count, tokens + length <= tokensMax,
        count < capacity.sequences
      {
        groups[groups.count - 1].append(sequence)
        tokens += length
      } else {
        groups.append([sequence])
        tokens = length
      }
    }
    return groups
  }

  /// A lane that nobody uses: a free one, else the one of this call's own oldest batch, else the
  /// next that another call gives back.
  private func takeLane(
    _ begun: inout [(lane: Int, sequences: [Int])], _ logits: inout [Logits]
  ) throws(CudaFailure) -> Int {
    if let lane = freeLanes.update({ $0.popLast() }) { return lane }
    if !begun.isEmpty { return try finishFirst(&begun, &logits) }
    return freeLanes.wait { free in free.popLast().map { .done($0) } ?? .sleep(atMost: nil) }
  }

  /// Waits for the oldest batch of this call and returns its lane.
  private func finishFirst(
    _ begun: inout [(lane: Int, sequences: [Int])], _ logits: inout [Logits]
  ) throws(CudaFailure) -> Int {
    let (lane, sequences) = begun[0]
    let values = try lanes[lane].finish(sequences: sequences.count)
    for (sequence, value) in zip(sequences, values) { logits[sequence] = value }
    begun.removeFirst()
    return lane
  }

  private func giveBack(_ lane: Int) { freeLanes.update { $0.append(lane) } }

  private static func makeLanes(
    _ weights: ModelWeights, _ shape: ModelConfiguration, precision: Precision,
    _ recording: Recording, engine: CudaEngine
  ) throws(CudaFailure) -> ([DeviceSlot], LaneCapacity) {
    let context = engine.context
    try check(precision, engine)
    var tokens = max(tokensMin, context.device.multiprocessors * tokensPerMultiprocessor)
    let distances = try DistanceSlots(shape.relative, tokensMax: tokens)
    let kernels = try DeviceKernels(
      precision: precision, shape: shape, from: engine.cubins, in: context)
    let onDevice = try DeviceWeights(
      weights, of: shape, distances: distances, precision: precision, kernels: kernels,
      in: context)
    while true {
      let capacity = LaneCapacity(tokens: tokens)
      do throws(CudaFailure) {
        var lanes: [DeviceSlot] = []
        for _ in 0..<laneCount {
          lanes.append(
            try DeviceSlot(
              shape: shape, weights: onDevice, kernels: kernels, precision: precision,
              library: engine.products, capacity: capacity, recording: recording, in: context))
        }
        return (lanes, capacity)
      } catch {
        // Smaller batches are slower, and need less.
        tokens /= 2
        guard error.isForWantOfMemory, tokens >= max(tokensMin, shape.absolutePositions ?? 0)
        else { throw error }
      }
    }
  }

  /// Refuses a precision that this GPU does not compute.
  private static func check(_ precision: Precision, _ engine: CudaEngine) throws(CudaFailure) {
    func refuse(_ reason: String) -> CudaFailure { .unsupported(reason: reason) }
    let device = engine.device
    let capability = 10 * device.capability.major + device.capability.minor
    let first =
      switch precision {
      case .fp16: 75
      case .bf16: 80
      case .fp8: 89
      }
    guard capability >= first else {
      throw refuse(
        "\(precision.rawValue) on \(device.architecture), only from sm_\(first) on")
    }
    if precision.isNarrow, engine.lacksProductLibrary { throw refuse("fp8 without cuBLASLt") }
  }
}
