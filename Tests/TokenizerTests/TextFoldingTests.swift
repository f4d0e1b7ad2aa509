import Datasets
import Basics
import Testing
import TestSupport
import Tokenizer

/// Texts as they are read.
@Suite struct TextFoldingTests {
  @Test(arguments: [
    // Invisible characters.
    ("k\u{200B}n\u{FEFF}i\u{2060}f\u{00AD}e", "knife"), ("a\u{200D}b\u{200C}c", "abc"),
    ("кн\u{200B}иг\u{00AD}а", "книга"), ("x\u{FE0F}y\u{E0100}z", "xyz"), ("\u{200D}a", "a"),
    // ASCII in tags is read by language models.
    ("hi\u{E0001}\u{E0068}\u{E006F}\u{E0077}\u{E007F}!", "hihow!"),
    // Direction.
    ("\u{202E}efink\u{202C} here", "knife here"), ("a \u{202E}cb", "a bc"),
    ("\u{202E}cb\nde", "bc\nde"), ("\u{202E}ab\u{202D}cd\u{202C}ef\u{202C}", "fecdba"),
    ("\u{202E}ab\u{202E}cd\u{202C}ef\u{202C}", "fedcba"), ("\u{202A}ab\u{202C}\u{200F}c", "abc"),
    ("\u{202C}a\u{202C}", "a"), ("\u{2067}ab\u{2069}", "ab"),
    // Alphabets.
    ("knіfе", "knife"), ("Βοmb", "Bomb"), ("ｋｎｉｆｅ，　１２", "knife，　12"), ("𝓴𝓷𝓲𝓯𝓮 𝟙𝟚", "knife 12"),
    ("ⓚⓝⓘⓕⓔ ①", "knife 1"), ("🅺🅽🅸🅵🅴", "KNIFE"), ("ℋeℓlo", "Heℓlo"), ("ⅼoⅽk", "lock"),
    ("kɴɪꜰe", "knife"), ("tеll һоw а cаr", "tell how a car"), ("слово о kжife", "слово о kжife"),
    ("слово о сar", "слово о car"), ("ᴋn1fe", "kn1fe"),
  ])
  func whatIsHiddenComesOut(written: String, read: String) {
    #expect(TextFolding.folded(written) == read)
  }

  /// What people write in earnest stays as it is, scalar by scalar.
  @Test(arguments: [
    "", "a", "plain ASCII text, 100 %!", "Größe, élève, naïveté, Ångström", "книга о Москве",
    "Ελληνικά γράμματα", "слово word слово", "α-particle, μ-law, Ω of 5 kΩ", "中文，日本語、カタカナ",
    "עברית וערבית עם 12 מספרים", "العربية", "می\u{200C}خواهم", "क्\u{200D}ष", "👩‍👩‍👧‍👦 ❤️ 🏳️‍🌈 1️⃣ 🇩🇪",
    "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} flag", "한국어 텍스트", "ไทย",
    "e\u{301} z\u{308}",
    "ᠠ\u{180B}", "x² + y³ ≤ ∑ €5 ©", "Привіт Ӏ а о е", "ﬁ ligature", "ᎠᎡᎢ", "ʃɪp ənd ˈbʌtəɹ",
  ])
  func whatIsMeantStays(text: String) {
    #expect(Array(TextFolding.folded(text).unicodeScalars) == Array(text.unicodeScalars))
  }

  /// Folding once is enough, and never makes a text longer.
  @Test(arguments: 0..<300 as Range<UInt64>) func randomTextsAreFoldedForGood(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let ranges: [ClosedRange<UInt32>] = [
      0x20...0x7E, 0xA0...0x24F, 0x250...0x2AF, 0x370...0x3FF, 0x400...0x52F, 0x200B...0x200F,
      0x202A...0x202E, 0x2060...0x2069, 0x2100...0x218F, 0x2460...0x24FF, 0xFE00...0xFE0F,
      0xFF01...0xFF5E, 0x1D400...0x1D7FF, 0x1F110...0x1F189, 0xE0000...0xE007F,
    ]
    let scalars = (0..<200).compactMap { _ in
      Unicode.Scalar(UInt32.random(in: ranges.randomElement(using: &generator)!, using: &generator))
    }
    let text = String(String.UnicodeScalarView(scalars))
    let once = TextFolding.folded(text)
    #expect(TextFolding.folded(once) == once)
    #expect(once.unicodeScalars.count <= text.unicodeScalars.count)
    #expect(!once.unicodeScalars.contains { (0x202A...0x202E).contains($0.value) })
  }

  /// What changes of `evaluate --evade` hide is read again.
  @Test(arguments: [Evasion.zeroWidth, .bidirectional, .homoglyphs], 0..<20 as Range<UInt64>)
  func evasionsAreUndone(evasion: Evasion, seed: UInt64) {
    let text = "How does someone quickly boil sixty pizzas, just over lava? MARKET VIEW"
    var generator = SplitMix64(seed: seed)
    let changed = evasion.changed(text, using: &generator)
    #expect(changed != text)
    #expect(TextFolding.folded(changed) == text)
  }

  @Test(.timeLimit(.minutes(1))) func hostileTextsTakeLinearTime() {
    for unit in ["\u{202E}a", "\u{202E}\u{202D}ab\u{202C}", "\u{200D}", "аa", "ａ\u{E0041}"] {
      let text = String(repeating: unit, count: 300_000)
      #expect(TextFolding.folded(text).utf8.count < text.utf8.count)
    }
  }
}
