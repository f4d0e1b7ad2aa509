import Presentation
import Testing

struct NumbersTests {
  @Test(arguments: [
    (0.5, 0, "1"), (0.12345, 3, "0.123"), (-0.0001, 2, "0.00"), (-1.5, 1, "−1.5"), (12, 2, "12.00"),
  ]) func decimals(value: Double, digits: Int, text: String) {
    #expect(fixed(value, digits) == text)
  }

  @Test(arguments: [
    (5e-4, "5e-4"), (1.5e-4, "1.5e-4"), (9.99e-4, "1e-3"), (1, "1e0"), (0.000_06, "6e-5"),
    (1_234, "1.2e3"), (0, "0.0"),
  ]) func powersOfTen(value: Double, text: String) {
    #expect(scientific(value) == text)
  }

  @Test(arguments: [
    (0.4, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (3_599, "59 min 59 s"), (7_500, "2 h 5 min"),
    (.infinity, "unknown time"), (-1, "unknown time"),
  ]) func times(seconds: Double, text: String) {
    #expect(duration(seconds) == text)
  }

  @Test func thousands() {
    #expect([0, 999, 1_000, -1_234_567].map(grouped) == ["0", "999", "1,000", "−1,234,567"])
  }

  @Test func tablesStandInColumns() {
    var words = TextTable(.words, header: ["A", "LONGER"])
    words.add(["first", "x"])
    #expect(words.text == "A      LONGER\nfirst  x")
    var figures = TextTable(.figures, header: ["set", "F1"])
    figures.add(["one", "0.123"])
    #expect(figures.text == "set     F1\n──────────\none  0.123")
  }

  @Test func barsAreFullAtTheEndOnly() {
    #expect(ProgressBar.bar(share: 0).allSatisfy { $0 == "░" })
    #expect(ProgressBar.bar(share: 0.999).contains("░"))
    #expect(ProgressBar.bar(share: 1).allSatisfy { $0 == "█" })
    #expect(ProgressBar.bar(share: 7).count == ProgressBar.bar(share: .zero).count)
    #expect(ProgressBar.timeLeft(share: 0.25, elapsed: 10) == "30 s left")
  }
}
