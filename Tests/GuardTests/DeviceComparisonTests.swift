import CudaDeBERTa
import DeBERTa
import Guard
import Synchronization
import Tensors
import TestSupport
import Testing

/// What a GPU has to judge as the CPU does, with classifiers of the test's in the place of both.
@Suite struct DeviceComparisonTests {
  /// Judges by a rule, and notes the lengths of each batch.
  private final class Judge: SequenceClassifier {
    let configuration: ModelConfiguration
    let hash: ContentHash
    let packedTokensMax = 1 << 20
    let batches = Mutex<[[Int]]>([])
    private let margin: @Sendable (_ batch: [Int], _ place: Int, _ turn: Int) -> Float

    /// - Parameter margin: of a sequence, by its batch, its place there, and the number of such
    ///   batches before.
    init(
      _ model: LoadedModel,
      margin: @escaping @Sendable (_ batch: [Int], _ place: Int, _ turn: Int) -> Float
    ) {
      (configuration, hash) = (model.configuration, model.hash)
      self.margin = margin
    }

    func classify(_ batch: TokenBatch, into results: inout [Logits]) throws(BatchError) {
      let lengths = (0..<batch.count).map { batch.range(of: $0).count }
      let turn = batches.withLock { known in
        defer { known.append(lengths) }
        return known.count { $0 == lengths }
      }
      results += lengths.indices.map { Logits(safe: 0, unsafe: margin(lengths, $0, turn)) }
    }
  }

  private static let model = Result {
    try LoadedModel(folder: GoldenCase.url("v3-style").path, pool: WorkerPool(workers: 1))
  }

  /// The lengths of what was judged, and what was found to differ.
  private func compare(
    windowTokens: Int,
    _ margin: @escaping @Sendable (_ batch: [Int], _ place: Int, _ turn: Int) -> Float
  ) throws -> (batches: [[Int]], disagreement: String?) {
    let model = try Self.model.get()
    let comparison = try DeviceComparison(
      Judge(model) { _, _, _ in 0 }, texts: [[1, 2]], windowTokens: windowTokens)
    let gpu = Judge(model, margin: margin)
    let disagreement = try comparison.disagreement(of: gpu, .fp16, isChosen: true)
    return (gpu.batches.withLock { $0 }, disagreement)
  }

  @Test(arguments: [
    (512, [2, 63, 64, 65, 129, 300, 512]), (400, [2, 63, 64, 65, 129, 300, 400]),
    (64, [2, 63, 64]), (2048, [2, 63, 64, 65, 129, 300, 512, 2048]),
  ])
  func allLengthsUpToTheWindowAreJudgedTogetherAndThreeTimesAlone(
    window: Int, lengths: [Int]
  ) throws {
    let (batches, disagreement) = try compare(windowTokens: window) { _, _, _ in 0 }
    #expect(batches == [[2] + lengths] + lengths.flatMap { [[$0], [$0], [$0]] })
    #expect(disagreement == nil)
  }

  /// A margin of 0.1 is a difference of 0.025.
  @Test(arguments: [300, 512]) func farDistancesThatDifferAreSeen(length: Int) throws {
    let (_, disagreement) = try compare(windowTokens: 512) { batch, place, _ in
      batch.count > 1 && batch[place] == length ? 0.1 : 0
    }
    #expect(disagreement?.contains("by up to 0.02") == true)
  }

  @Test(arguments: [1, 2]) func laterTurnsThatDifferAreSeen(turn: Int) throws {
    let (_, disagreement) = try compare(windowTokens: 512) { batch, _, now in
      batch == [65] && now == turn ? 0.1 : 0
    }
    #expect(disagreement?.contains("by up to 0.02") == true)
  }
}
