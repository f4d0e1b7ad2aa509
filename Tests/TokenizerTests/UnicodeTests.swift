import Basics
import Foundation
import TestSupport
import Testing
import Tokenizer

/// Every character counts as it does in Hugging Face's tokenizers, whatever version of Unicode
/// Swift has (`Tests/Fixtures/make_tokenizers.py`).
@Suite struct UnicodeTests {
  private struct Classes: Decodable {
    let space: [[UInt32]]
    let control: [[UInt32]]
    let punctuation: [[UInt32]]
    let accent: [[UInt32]]
    let ideograph: [[UInt32]]
    let letter: [[UInt32]]
    let number: [[UInt32]]
    let forms: [String: String]
  }

  private static let characters = (0..<0x110000).compactMap { (value: UInt32) in
    Unicode.Scalar(value)
  }

  private static func classes() throws -> Classes {
    let url = TransformersTests.url("unicode.json")
    return try JSONDecoder().decode(Classes.self, from: Data(contentsOf: url))
  }

  private static func ranges(_ isMember: (Unicode.Scalar) -> Bool) -> [[UInt32]] {
    characters.filter(isMember).reduce(into: [[UInt32]]()) { ranges, scalar in
      if let last = ranges.indices.last, ranges[last][1] + 1 == scalar.value {
        ranges[last][1] = scalar.value
      } else {
        ranges.append([scalar.value, scalar.value])
      }
    }
  }

  @Test func classesAreThoseOfTheLibrary() throws {
    let classes = try Self.classes()
    for (trait, expected) in [
      (ScalarTraits.space, classes.space), (.control, classes.control),
      (.punctuation, classes.punctuation), (.ideograph, classes.ideograph),
    ] {
      let found = Self.ranges { scalar in
        ScalarTraits(scalar).contains(trait)
      }
      #expect(Set(found).symmetricDifference(expected) == [], "\(trait)")
    }
    for (kind, expected) in [
      (CharacterKind.letter, classes.letter), (.number, classes.number), (.space, classes.space),
    ] {
      let found = Self.ranges { CharacterKind($0) == kind }
      #expect(Set(found).symmetricDifference(expected) == [], "\(kind)")
    }
    // Accents are taken off after decomposition: characters that are nothing but accents go, too.
    let accents = Self.ranges { scalar in
      CanonicalForm.decompose([scalar]).allSatisfy { ScalarTraits($0).contains(.accent) }
    }
    #expect(Set(accents).symmetricDifference(classes.accent) == [])
  }

  @Test(arguments: ["lowercase", "NFD", "NFC", "unaccented"])
  func formsOfCharactersAreThoseOfTheLibrary(name: String) throws {
    let expected = try Self.classes().forms[name]
    var text = ""
    for scalar in Self.characters {
      let form = Self.form(scalar, name)
      if form != [scalar] {
        text += "\(String(scalar.value, radix: 16)) "
        text.unicodeScalars.append(contentsOf: form)
        text += "\n"
      }
    }
    #expect(ContentDigest(of: text.utf8).description == expected)
  }

  private static func form(_ scalar: Unicode.Scalar, _ name: String) -> [Unicode.Scalar] {
    switch name {
    case "lowercase": Array(String(scalar).lowercasedByCharacter.unicodeScalars)
    case "NFD": CanonicalForm.decompose([scalar])
    case "NFC": CanonicalForm.compose([scalar])
    default:
      CanonicalForm.decompose([scalar]).filter { !ScalarTraits($0).contains(.accent) }
    }
  }
}
