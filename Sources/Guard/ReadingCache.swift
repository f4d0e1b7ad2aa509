internal import Basics
internal import Synchronization

/// What models said of sequences, so that the same sequence is not computed again: a prompt that
/// comes back with its response, a retry, a template.
///
/// It holds digests and numbers, never text. Several models may share it, since a key names who
/// judged; it keeps what was asked for last.
package final class ReadingCache: Sendable {
  /// How sequences were answered since the start.
  package struct Figures: Hashable, Sendable {
    /// By the model.
    package var computed = 0
    /// By an equal sequence of the same call.
    package var repeated = 0
    /// From here.
    package var remembered = 0

    package init(computed: Int = 0, repeated: Int = 0, remembered: Int = 0) {
      self.computed = computed
      self.repeated = repeated
      self.remembered = remembered
    }
  }

  /// Two generations: what is asked for moves to the young one, and when that has half of the
  /// entries it becomes the old one, whose entries go.
  private struct State {
    var young: [Key: GuardModel.Reading] = [:]
    var old: [Key: GuardModel.Reading] = [:]
    var figures = Figures()
  }

  /// SHA-256 of model, precision and sequence.
  struct Key: Hashable, Sendable {
    private let words: SIMD4<UInt64>

    init(_ digest: ContentDigest) {
      var words = SIMD4<UInt64>()
      for (index, byte) in digest.bytes.enumerated() {
        words[index / 8] = words[index / 8] << 8 | UInt64(byte)
      }
      self.words = words
    }
  }

  private let generationMax: Int
  private let state = Mutex(State())

  /// - Parameter entriesMax: sequences at most, about 100 bytes each; 0 remembers nothing.
  package init(entriesMax: Int) { generationMax = entriesMax / 2 }

  /// How sequences were answered so far.
  package var figures: Figures { state.withLock { $0.figures } }

  /// What is remembered of each key.
  func readings(of keys: [Key]) -> [GuardModel.Reading?] {
    state.withLock { state in
      keys.map { key in
        if let reading = state.young[key] { return reading }
        guard let reading = state.old[key] else { return nil }
        remember(reading, as: key, in: &state)
        return reading
      }
    }
  }

  /// Remembers what was computed.
  func add(_ readings: [(key: Key, reading: GuardModel.Reading)]) {
    state.withLock { state in
      for (key, reading) in readings { remember(reading, as: key, in: &state) }
    }
  }

  func count(_ figures: Figures) {
    state.withLock { state in
      state.figures.computed += figures.computed
      state.figures.repeated += figures.repeated
      state.figures.remembered += figures.remembered
    }
  }

  private func remember(
    _ reading: GuardModel.Reading, as key: Key, in state: inout State
  ) {
    guard generationMax > 0 else { return }
    if state.young.count >= generationMax {
      swap(&state.young, &state.old)
      state.young.removeAll(keepingCapacity: true)
    }
    state.young[key] = reading
  }
}
