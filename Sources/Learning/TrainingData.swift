internal import Basics
internal import Datasets
package import Distillation
internal import Synchronization
internal import Tensors
internal import Tokenizer

/// Labelled examples as token sequences, with a part held out.
package struct TrainingData: Sendable {
  /// What is trained on.
  package let training: [TrainingExample]
  /// What is only judged: a share by content, so that equal texts are on one side.
  package let heldOut: [TrainingExample]
  /// Sequences that were cut to the longest length.
  package let cut: Int

  /// Tokenizes on all workers; a text becomes one sequence, cut as Hugging Face cuts.
  ///
  /// - Parameters:
  ///   - evadedShare: of the examples to train on, the share that is changed as whoever evades a
  ///     guard changes texts.
  ///   - seed: decides which, and how.
  init(
    _ examples: [LabelledExample], encoder: SequenceEncoder, heldOutShare: Double,
    evadedShare: Double, seed: UInt64, pool: WorkerPool, progress: @Sendable (Int) -> Void
  ) {
    let isHeldOut = examples.map { $0.digest.fraction < heldOutShare }
    let harmless = Self.harmless(zip(examples, isHeldOut).filter { !$1 }.map(\.0))
    let evader = Evader(seed: seed, harmless: harmless.isEmpty ? Evasion.sentences : harmless)
    let sequences = Mutex([TokenSequence](repeating: [], count: examples.count))
    let cut = Atomic<Int>(0)
    let done = Atomic<Int>(0)
    let chunk = 256
    pool.parallelFor((examples.count + chunk - 1) / chunk) { index, _ in
      let range = index * chunk..<min((index + 1) * chunk, examples.count)
      let some = range.map { place in
        let example =
          isHeldOut[place]
          ? examples[place] : evader.changed(examples[place], share: evadedShare)
        let prompt = encoder.pieces(of: example.prompt)
        let response = example.response.map { encoder.pieces(of: $0) }
        let control = response == nil ? 2 : 3
        if prompt.count + (response?.count ?? 0) + control > encoder.windowTokens {
          cut.wrappingAdd(1, ordering: .relaxed)
        }
        return encoder.truncatedSequence(prompt, response)
      }
      sequences.withLock { sequences in
        for (place, sequence) in zip(range, some) { sequences[place] = sequence }
      }
      progress(done.wrappingAdd(range.count, ordering: .relaxed).newValue)
    }
    let tokens = sequences.withLock { $0 }
    var training: [TrainingExample] = []
    var heldOut: [TrainingExample] = []
    for (place, (example, tokens)) in zip(examples, tokens).enumerated() {
      let target = TrainingTarget(
        isUnsafe: example.isUnsafe, teacherScore: example.teacherScore)
      if isHeldOut[place] {
        heldOut.append(TrainingExample(tokens: tokens, target: target))
      } else {
        training.append(TrainingExample(tokens: tokens, target: target))
      }
    }
    self.training = training
    self.heldOut = heldOut
    self.cut = cut.load(ordering: .relaxed)
  }

  /// Some safe prompts of a few sentences at most, the same in whatever order the examples come:
  /// what padding is made of, so that a model learns no sentences by heart.
  private static func harmless(_ examples: [LabelledExample]) -> [String] {
    let texts = examples.filter { !$0.isUnsafe && (20...300).contains($0.prompt.count) }
    let order = texts.map { ($0.digest.number, $0.prompt) }.sorted { $0.0 < $1.0 }
    return order.prefix(harmlessMax).map(\.1)
  }

  private static let harmlessMax = 200
}
