internal import CudaDevice
internal import DeBERTa

/// One batch at a time on its way through a device: a stream, memory for the batch, and memory of
/// the host for what goes in and comes out. While one lane computes, the host fills another.
final class DeviceSlot: @unchecked Sendable {
  // @unchecked Sendable: whoever took it from the pool is alone with it.
  private let encoder: DeviceEncoder
  private let stream: CudaStream
  private let input: PinnedMemory
  private let output: PinnedMemory
  /// The moment at which the logits of the last batch are there.
  private let isDone: CudaEvent
  private var graphs: [BatchShape: CudaGraph] = [:]
  private var warmShapes: Set<BatchShape> = []
  private let capacity: LaneCapacity
  private let recording: Recording

  init(
    shape: ModelConfiguration, weights: DeviceWeights, kernels: DeviceKernels,
    precision: Precision, library: ProductLibrary?, capacity: LaneCapacity, recording: Recording,
    in context: CudaContext
  ) throws(CudaFailure) {
    let integers = capacity.integers(tile: kernels.attentionTile)
    stream = try CudaStream(in: context)
    isDone = try CudaEvent(in: context)
    input = try PinnedMemory(bytes: 4 * integers, in: context)
    output = try PinnedMemory(bytes: 8 * capacity.sequences, in: context)
    encoder = DeviceEncoder(
      shape: shape, weights: weights, kernels: kernels,
      products: try DeviceProducts(
        precision: precision, kernel: kernels.product, library: library, in: context),
      workspace: try DeviceWorkspace(
        tokensMax: capacity.tokens, sequencesMax: capacity.sequences, integers: integers,
        for: shape, isNarrow: precision.isNarrow, on: stream), stream: stream)
    self.capacity = capacity
    self.recording = recording
  }

  /// Shapes whose work is recorded once, the smallest first.
  var recordedShapes: [BatchShape] {
    capacity.recordedShapes(tile: encoder.kernels.attentionTile)
  }

  /// Begins to compute sequences that the capacity has room for; `finish` waits for them.
  func begin(_ sequences: [ArraySlice<Int32>]) throws(CudaFailure) {
    try give(sequences)
    try isDone.record(on: stream)
  }

  private func give(_ sequences: [ArraySlice<Int32>]) throws(CudaFailure) {
    let tile = encoder.kernels.attentionTile
    let needed = DeviceBatch.shape(of: sequences, tile: tile)
    let recorded = recording.isUsed ? recordedShapes.first { needed.fits(in: $0) } : nil
    let batch = DeviceBatch(sequences, tile: tile, shape: recorded)
    input.write(batch.integers.span, at: 0)
    // The first time is not recorded: libraries choose their algorithms then.
    guard let recorded, !warmShapes.insert(recorded).inserted else {
      return try encode(batch.shape, by: encoder)
    }
    do throws(CudaFailure) {
      if graphs[recorded] == nil { graphs[recorded] = try record(recorded) }
      try graphs[recorded]?.launch(on: stream)
    } catch {
      // A GPU that is lost does not take it this way either.
      try encode(recorded, by: encoder)
      recording.giveUp(because: error.description)
    }
  }

  /// Waits until nothing is on its way, whatever became of it: the next batch may use the memory.
  func settle() { try? stream.finish() }

  /// The logits of the first so many sequences, once they are computed. Sleeps until then.
  func finish(sequences: Int) throws(CudaFailure) -> [Logits] {
    try isDone.wait()
    let values = output.read(Float.self, count: 2 * sequences, at: 0)
    return (0..<sequences).map { Logits(safe: values[2 * $0], unsafe: values[2 * $0 + 1]) }
  }

  /// Finds the best way to do the products of all sizes.
  func tryProducts() throws(CudaFailure) { try encoder.tryProducts() }

  /// Computes sequences that the capacity has room for, step by step.
  func profile(_ sequences: [ArraySlice<Int32>]) throws(CudaFailure) -> [Step: Double] {
    let batch = DeviceBatch(sequences, tile: encoder.kernels.attentionTile)
    input.write(batch.integers.span, at: 0)
    let recorder = try StepRecorder(on: stream)
    var encoder = encoder
    encoder.recorder = recorder
    try stream.copy(input, bytes: 4 * batch.shape.integers, to: encoder.workspace.integers)
    try recorder.mark(.copyIn)
    try encoder.run(batch.shape)
    try stream.copy(encoder.workspace.logits, bytes: 8 * batch.shape.sequences, to: output)
    try recorder.mark(.head)
    return try recorder.seconds()
  }

  /// Records the work of a shape, on a stream of its own: whatever becomes of that one, the lane's
  /// can be given work.
  private func record(_ shape: BatchShape) throws(CudaFailure) -> CudaGraph {
    var encoder = encoder
    encoder.stream = try CudaStream(in: stream.context)
    encoder.products.isCapturing = true
    defer { encoder.products.isCapturing = false }
    return try encoder.stream.capture { () throws(CudaFailure) in
      try encode(shape, by: encoder)
    }
  }

  /// Gives a batch's work to the stream of `encoder`, one piece after the other.
  private func encode(_ shape: BatchShape, by encoder: DeviceEncoder) throws(CudaFailure) {
    let stream = encoder.stream
    try stream.copy(input, bytes: 4 * shape.integers, to: encoder.workspace.integers)
    try encoder.run(shape)
    try stream.copy(encoder.workspace.logits, bytes: 8 * shape.sequences, to: output)
  }
}

/// What a lane has room for.
struct LaneCapacity: Hashable, Sendable {
  let tokens: Int
  let sequences: Int

  /// Sequences of four tokens fill it; shorter ones leave some of it empty.
  ///
  /// - Parameter tokens: rounded down to a multiple of 64.
  init(tokens: Int) {
    self.tokens = tokens / 64 * 64
    sequences = self.tokens / 4
  }

  /// Integers of the largest batch.
  func integers(tile: Int) -> Int {
    BatchShape(
      tokens: tokens, sequences: sequences, tiles: tokens / tile + sequences
    ).integers
  }

  /// Shapes whose work is recorded once: in small batches most of the time would go into handing
  /// over their many kernels one by one.
  func recordedShapes(tile: Int) -> [BatchShape] {
    [64, 128, 256, 512, 1024].filter { $0 <= tokens }.map { tokens in
      let sequences = min(8, self.sequences)
      return BatchShape(tokens: tokens, sequences: sequences, tiles: tokens / tile + sequences)
    }
  }
}

extension BatchShape {
  /// Whether work that was recorded for another shape does this one.
  func fits(in other: BatchShape) -> Bool {
    tokens <= other.tokens && sequences <= other.sequences && tiles <= other.tiles
  }
}
