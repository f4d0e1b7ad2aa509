import Glibc
import TestSupport
import Testing
import Tokenizer

/// No text that anyone sends takes more time than in proportion to its length.
@Suite struct LongTextTests {
  private static let units = [
    "'", "'s", "le",
    "a", " ", "é", "e\u{301}", "\u{301}", "😀", "👩\u{200D}", "中", "!", "<ab", "\u{1F1E6}", "가", "Я",
    "\r\n", "\u{10FFFD}",
  ]

  @Test(arguments: ["bert-added", "unigram", "unigram-five", "bpe-added"], units)
  func twentyTimesTheTextTakesAboutTwentyTimesTheTime(folder: String, unit: String) throws {
    let tokenizer = try TokenizerFolder.load(TransformersTests.url(folder).path)
    let short = String(repeating: unit, count: 10_000)
    let long = String(repeating: unit, count: 200_000)
    _ = tokenizer.encode(short)
    func seconds(_ text: String) -> Double {
      (0..<2).map { _ in
        let start = Self.processorSeconds()
        _ = tokenizer.encode(text)
        return Self.processorSeconds() - start
      }.min() ?? 0
    }
    // Quadratic time would be four hundred times as long.
    #expect(seconds(long) < seconds(short) * 40 + 0.02, "\(folder), \(unit.debugDescription)")
  }

  /// A megabyte without a space: its pieces are joined by a heap, about a second's work.
  @Test(arguments: ["a", "letter", "small", "e\u{301}"])
  func aMegabyteOfOneWordIsASecondsWork(unit: String) throws {
    let tokenizer = try TokenizerFolder.load(TransformersTests.url("bpe-files").path)
    let word = String(repeating: unit, count: (1 << 20) / unit.utf8.count)
    let start = Self.processorSeconds()
    let ids = tokenizer.encode(word)
    let seconds = Self.processorSeconds() - start
    #expect(!ids.isEmpty && seconds < 10, "\(unit): \(seconds) s")
  }

  /// Time of this thread on a processor: other tests run beside it.
  private static func processorSeconds() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
