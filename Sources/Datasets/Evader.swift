internal import Basics

/// Changes examples as somebody does who wants to evade a guard: people read the same.
///
/// What comes out follows from seed, kind of change and text alone.
package struct Evader: Sendable {
  private let seed: UInt64
  /// The texts that padding is made of.
  private let harmless: [String]

  /// - Precondition: there is a harmless text.
  package init(seed: UInt64, harmless: [String] = Evasion.sentences) {
    precondition(!harmless.isEmpty)
    self.seed = seed
    self.harmless = harmless
  }

  /// An example with both of its texts changed: whoever wants to evade a guard asks for an answer
  /// that does, too.
  package func changed(_ example: LabelledExample, by evasion: Evasion) -> LabelledExample {
    var generator = SplitMix64(seed: mix64(seed ^ example.digest.number) ^ evasion.seed)
    var result = example
    result.prompt = evasion.changed(example.prompt, harmless: harmless, using: &generator)
    result.response = example.response.map {
      evasion.changed($0, harmless: harmless, using: &generator)
    }
    return result
  }

  /// A share of the examples, each changed in one of all ways.
  package func changed(_ example: LabelledExample, share: Double) -> LabelledExample {
    var generator = SplitMix64(seed: mix64(seed &+ example.digest.number))
    guard generator.next().fraction < share else { return example }
    let all = Evasion.allCases
    return changed(example, by: all[generator.next(below: all.count)])
  }
}

extension Evasion {
  /// The same in every version, whatever stands before it.
  fileprivate var seed: UInt64 {
    var hash = FNV1a()
    for byte in rawValue.utf8 { hash.add(UInt64(byte)) }
    return hash.value
  }
}
