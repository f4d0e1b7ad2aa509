@_spi(_Unicode) internal import Swift

/// Unicode's canonical forms NFD and NFC, of the version that Hugging Face's tokenizers have.
///
/// Swift's own data, without the characters that came later: models never saw those decomposed.
package enum CanonicalForm {
  /// The last version of Unicode whose characters decompose, compose and are put in order.
  static let version = 12

  /// The canonical decomposition of a character, in full; nil for one that has none.
  static func decomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar]? {
    if scalar.value < 0xC0 { return nil }
    return Hangul.decomposition(of: scalar) ?? decompositions[scalar]
  }

  /// NFD: every character decomposed, marks in canonical order.
  package static func decompose(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard text.contains(where: { !ScalarTraits($0).isDisjoint(with: [.decomposes, .combines]) })
    else { return text }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count + text.count / 4)
    var isOrdered = true
    for scalar in text {
      let traits = ScalarTraits(scalar)
      if traits.contains(.decomposes), let parts = decomposition(of: scalar) {
        result += parts
      } else {
        result.append(scalar)
      }
      if !traits.isDisjoint(with: [.decomposes, .combines]) { isOrdered = false }
    }
    if !isOrdered { order(&result) }
    return result
  }

  /// NFC: every character decomposed, then composed as far as it goes.
  package static func compose(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    // Nothing below the first combining mark is changed, whatever stands beside it.
    guard text.contains(where: { $0.value >= 0x300 }) else { return text }
    let parts = decompose(text)
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(parts.count)
    var starter: Int?
    // The class of the last mark that stays behind the starter; nil where there is none.
    var blocking: UInt8?
    for scalar in parts {
      let combining = combiningClass(of: scalar)
      let isBlocked = blocking.map { $0 == 0 || $0 >= combining } ?? false
      if let index = starter, !isBlocked, let composed = composition(result[index], scalar) {
        result[index] = composed
        continue
      }
      if combining == 0 {
        starter = result.count
        blocking = nil
      } else {
        blocking = combining
      }
      result.append(scalar)
    }
    return result
  }

  /// Sorts each run of marks by their class; marks of one class stay in order.
  private static func order(_ text: inout [Unicode.Scalar]) {
    var start = 0
    while start < text.count {
      guard ScalarTraits(text[start]).contains(.combines) else {
        start += 1
        continue
      }
      var end = start + 1
      while end < text.count, ScalarTraits(text[end]).contains(.combines) { end += 1 }
      if end - start > 1 {
        let run = text[start..<end].map { (combiningClass(of: $0), $0) }
        // The library's sort is stable.
        text.replaceSubrange(start..<end, with: run.sorted { $0.0 < $1.0 }.map(\.1))
      }
      start = end
    }
  }

  private static func combiningClass(of scalar: Unicode.Scalar) -> UInt8 {
    guard ScalarTraits(scalar).contains(.combines) else { return 0 }
    return scalar.properties.canonicalCombiningClass.rawValue
  }

  private static func composition(
    _ first: Unicode.Scalar, _ second: Unicode.Scalar
  ) -> Unicode.Scalar? {
    Hangul.composition(first, second) ?? compositions[Pair(first: first, second: second)]
  }

  private struct Pair: Hashable {
    let first: Unicode.Scalar
    let second: Unicode.Scalar
  }

  /// All decompositions but those of Hangul; the last block of them ends here.
  private static let decompositions: [Unicode.Scalar: [Unicode.Scalar]] = {
    var table: [Unicode.Scalar: [Unicode.Scalar]] = [:]
    for value in UInt32(0xC0)...0x2FA1D where !Hangul.syllables.contains(value) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let parts = Array(String(scalar)._nfd)
      guard parts != [scalar], let age = scalar.properties.age, age.major <= version else {
        continue
      }
      table[scalar] = parts
    }
    return table
  }()

  /// The characters that two others compose to.
  private static let compositions: [Pair: Unicode.Scalar] = {
    var table: [Pair: Unicode.Scalar] = [:]
    for (scalar, parts) in decompositions.sorted(by: { $0.value.count < $1.value.count }) {
      // Characters that Unicode excludes from composition are not their own NFC.
      guard parts.count > 1, Array(String(scalar)._nfc) == [scalar], let last = parts.last else {
        continue
      }
      var first: Unicode.Scalar? = parts[0]
      for part in parts.dropFirst().dropLast() {
        first = first.flatMap { table[Pair(first: $0, second: part)] }
      }
      if let first { table[Pair(first: first, second: last)] = scalar }
    }
    return table
  }()
}

/// Korean syllables, which decompose by arithmetic (The Unicode Standard, section 3.12).
private enum Hangul {
  static let syllables: Range<UInt32> = 0xAC00..<0xD7A4
  private static let leading: Range<UInt32> = 0x1100..<0x1113
  private static let vowels: Range<UInt32> = 0x1161..<0x1176
  /// The first stands for no trailing consonant and is no character of this kind itself.
  private static let trailing: Range<UInt32> = 0x11A7..<0x11C3

  static func decomposition(of scalar: Unicode.Scalar) -> [Unicode.Scalar]? {
    guard syllables.contains(scalar.value) else { return nil }
    let (pair, last) = Int(scalar.value - syllables.lowerBound)
      .quotientAndRemainder(dividingBy: trailing.count)
    let (first, middle) = pair.quotientAndRemainder(dividingBy: vowels.count)
    return [
      Unicode.Scalar(leading.lowerBound + UInt32(first)),
      Unicode.Scalar(vowels.lowerBound + UInt32(middle)),
      last == 0 ? nil : Unicode.Scalar(trailing.lowerBound + UInt32(last)),
    ].compactMap(\.self)
  }

  static func composition(
    _ first: Unicode.Scalar, _ second: Unicode.Scalar
  ) -> Unicode.Scalar? {
    if leading.contains(first.value), vowels.contains(second.value) {
      let pair =
        (first.value - leading.lowerBound) * UInt32(vowels.count)
        + second.value - vowels.lowerBound
      return Unicode.Scalar(syllables.lowerBound + pair * UInt32(trailing.count))
    }
    if syllables.contains(first.value), trailing.dropFirst().contains(second.value),
      (first.value - syllables.lowerBound).isMultiple(of: UInt32(trailing.count))
    {
      return Unicode.Scalar(first.value + second.value - trailing.lowerBound)
    }
    return nil
  }
}
