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
  init(
    _ examples: [LabelledExample], encoder: SequenceEncoder, heldOutShare: Double,
    pool: WorkerPool, progress: @Sendable (Int) -> Void
  ) {
    let sequences = Mutex([TokenSequence](repeating: [], count: examples.count))
    let cut = Atomic<Int>(0)
    let done = Atomic<Int>(0)
    let chunk = 256
    pool.parallelFor((examples.count + chunk - 1) / chunk) { index, _ in
      let range = index * chunk..<min((index + 1) * chunk, examples.count)
      let some = range.map { place in
        let example = examples[place]
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
    for (example, tokens) in zip(examples, tokens) {
      let target = TrainingTarget(
        isUnsafe: example.isUnsafe, teacherScore: example.teacherScore)
      if example.digest.fraction < heldOutShare {
        heldOut.append(TrainingExample(tokens: tokens, target: target))
      } else {
        training.append(TrainingExample(tokens: tokens, target: target))
      }
    }
    self.training = training
    self.heldOut = heldOut
    self.cut = cut.load(ordering: .relaxed)
  }
}
