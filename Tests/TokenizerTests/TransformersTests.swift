import Basics
import Foundation
import TestSupport
import Testing
import Tokenizer

/// Ids equal those of Hugging Face's libraries, for tokenizers as transformers saves them
/// (`Tests/Fixtures/make_tokenizers.py`).
@Suite struct TransformersTests {
  static let folders =
    [
      "bert-uncased", "bert-cased", "bert-accents", "bert-added", "unigram", "unigram-added",
      "unigram-five", "spm-switches",
    ] + robertas
  /// Those of RoBERTa and its like.
  static let robertas = ["bpe-files", "bpe-added", "bpe-older", "xlm-roberta"]

  static func url(_ folder: String) -> URL {
    SourceTree.url("Tests/Fixtures/tokenizers").appending(path: folder)
  }

  private struct Cases: Decodable {
    struct Sample: Decodable {
      let text: String
      let ids: [Int32]
    }
    struct Pair: Decodable {
      let first: String
      let second: String
      /// With the control tokens.
      let ids: [Int32]
    }
    /// Whether random texts have runs of one character.
    let repeats: Bool
    let samples: [Sample]
    let pairs: [Pair]?
    /// A byte in hexadecimal for each random text.
    let digests: String
  }

  private static func cases(_ folder: String) throws -> Cases {
    let data = try Data(contentsOf: url(folder).appending(path: "cases.json"))
    return try JSONDecoder().decode(Cases.self, from: data)
  }

  @Test(arguments: folders)
  func idsOfSamplesAreTheSame(folder: String) throws {
    let tokenizer = try TokenizerFolder.load(Self.url(folder).path)
    let samples = try Self.cases(folder).samples
    #expect(samples.count >= 45)
    for sample in samples {
      #expect(tokenizer.encode(sample.text) == sample.ids, "\(sample.text.debugDescription)")
    }
  }

  /// RoBERTa's pairs have two separators between their texts.
  @Test(arguments: robertas) func pairsAreTheSame(folder: String) throws {
    let encoder = SequenceEncoder(
      tokenizer: try TokenizerFolder.load(Self.url(folder).path), windowTokens: 64,
      overlapTokens: 0, windowsMax: 1)
    let pairs = try #require(try Self.cases(folder).pairs)
    #expect(pairs.count == 4)
    for pair in pairs {
      let response = encoder.pieces(of: pair.second)
      let sequence = try encoder.pairSequences(encoder.pieces(of: pair.first), response)[0]
      #expect(sequence.ids == pair.ids, "\(pair.first.debugDescription)")
      #expect(sequence.secondStart == pair.ids.count - response.count - 1)
    }
  }

  /// Ten thousand texts of all planes, which both sides make from one seed; what is compared is a
  /// digest of the ids of each.
  @Test(arguments: folders)
  func idsOfRandomTextsAreTheSame(folder: String) throws {
    let tokenizer = try TokenizerFolder.load(Self.url(folder).path)
    let cases = try Self.cases(folder)
    let digests = Array(cases.digests)
    #expect(digests.count == 20_000)
    var texts = RandomTexts(repeats: cases.repeats)
    var differing: [Int] = []
    for index in 0..<digests.count / 2 {
      let ids = tokenizer.encode(texts.next())
      let words = ids.map(String.init).joined(separator: " ")
      let digest = ContentDigest(of: words.utf8).bytes[0]
      if UInt8(String(digests[2 * index..<2 * index + 2]), radix: 16) != digest {
        differing.append(index)
      }
    }
    #expect(differing.isEmpty, "\(folder): \(differing.count), \(differing.prefix(20))")
  }

  /// The comparison by hand: after `make_tokenizers.py --compare`, ids of any texts by each
  /// tokenizer in a folder.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["SLUICE_COMPARED_TOKENIZERS"] != nil))
  func idsOfGivenTextsAreTheSame() throws {
    let path = try #require(ProcessInfo.processInfo.environment["SLUICE_COMPARED_TOKENIZERS"])
    let suffix = ".compared.json"
    for name in try FileManager.default.contentsOfDirectory(atPath: path)
    where name.hasSuffix(suffix) {
      let folder = String(name.dropLast(suffix.count))
      let tokenizer = try TokenizerFolder.load(path + "/" + folder)
      let data = try Data(contentsOf: URL(filePath: "\(path)/\(folder).compared.json"))
      let samples = try JSONDecoder().decode([Cases.Sample].self, from: data)
      let differing = samples.indices.filter {
        tokenizer.encode(samples[$0].text) != samples[$0].ids
      }
      #expect(differing.isEmpty, "\(folder): \(differing.count) of \(samples.count)")
    }
  }
}

/// The random texts of `make_tokenizers.py`.
struct RandomTexts {
  private var generator = SeededGenerator(seed: 7)
  private let repeats: Bool

  init(repeats: Bool) { self.repeats = repeats }

  private static let ranges: [ClosedRange<UInt32>] = [
    0x20...0x7E, 0x20...0x7E, 0x61...0x7A, 0x0...0x1F, 0x7F...0xFF, 0x100...0x24F, 0x300...0x36F,
    0x370...0x52F, 0x590...0x6FF, 0x900...0x97F, 0xE00...0xE7F, 0x1100...0x11FF, 0x1E00...0x1FFF,
    0x2000...0x206F, 0x2100...0x24FF, 0x2580...0x2590, 0x3000...0x30FF, 0x4E00...0x9FFF,
    0xAC00...0xD7A3, 0xE000...0xF8FF, 0xF900...0xFAFF, 0xFB00...0xFDFF, 0xFE00...0xFE2F,
    0xFF00...0xFFEF, 0x1D100...0x1D1FF, 0x1D400...0x1D7FF, 0x1F300...0x1FAFF, 0x1F1E6...0x1F1FF,
    0x0...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF,
  ]
  private static let words = [
    "the", "cat", "Hello", "world", " ", "  ", "\n", "e\u{301}", "ing", "<extra>", "[TOOL]", "TOOL",
    "Mixed", "<l>", "<r>", "\u{200D}", "\r\n", "...", "ﬁ",
  ]

  private mutating func below(_ count: Int) -> Int {
    Int((generator.next() >> 11) % UInt64(count))
  }

  mutating func next() -> String {
    let number = 1 + below(4)
    var ranges: [ClosedRange<UInt32>] = []
    for _ in 0..<number { ranges.append(Self.ranges[below(Self.ranges.count)]) }
    var text = String.UnicodeScalarView()
    for _ in 0..<1 + below(40) {
      if below(4) == 0 {
        text.append(contentsOf: Self.words[below(Self.words.count)].unicodeScalars)
        continue
      }
      let range = ranges[below(ranges.count)]
      let value = range.lowerBound + UInt32(below(range.count))
      let repetitions = repeats && below(40) == 0 ? 1 + below(30) : 1
      for _ in 0..<repetitions { text.append(Unicode.Scalar(value) ?? "x") }
    }
    return String(text)
  }
}
