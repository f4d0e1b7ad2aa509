import Telemetry
import TestSupport
import Testing

/// The metrics page in both formats.
@Suite struct MetricsPageTests {
  private static func page() -> MetricsPage {
    var page = MetricsPage()
    page.counter("things_total", "Things.", 3)
    page.gauge("odd", "Line\nend \\", [([("name", "a\"b\\c\nd")], 0.5), ([], .infinity)])
    var durations = LatencyHistogram()
    for microseconds in [500, 1_000, 1_001, 40_000, 90_000_000] as [Int64] {
      durations.record(microseconds: microseconds)
    }
    page.histogram("took_seconds", "How long.", durations)
    page.histogram(
      "score", "A score.", [([("policy", "p")], BucketCounts([1, 0, 2], 3.5))], bounds: [0.5, 1])
    return page
  }

  @Test func thePrometheusTextIsAsItsFormatSays() {
    let text = Self.page().text(.prometheus)
    #expect(text.hasPrefix("# HELP things_total Things.\n# TYPE things_total counter\n"))
    #expect(text.contains("\nthings_total 3\n"))
    #expect(text.contains("# HELP odd Line\\nend \\\\\n"))
    #expect(text.contains("\nodd{name=\"a\\\"b\\\\c\\nd\"} 0.5\nodd +Inf\n"))
    #expect(text.contains("\nscore_bucket{policy=\"p\",le=\"0.5\"} 1\n"))
    #expect(text.contains("\nscore_bucket{policy=\"p\",le=\"1.0\"} 1\n"))
    #expect(text.contains("\nscore_bucket{policy=\"p\",le=\"+Inf\"} 3\n"))
    #expect(text.contains("\nscore_sum{policy=\"p\"} 3.5\nscore_count{policy=\"p\"} 3\n"))
    #expect(!text.contains("# EOF"))
  }

  @Test func openMetricsNamesCountersWithoutTheirSuffix() {
    let text = Self.page().text(.openMetrics)
    #expect(text.hasPrefix("# HELP things Things.\n# TYPE things counter\nthings_total 3\n"))
    #expect(text.hasSuffix("\n# EOF\n"))
  }

  /// Durations lie in the bucket whose bound they do not exceed, however often a page is made.
  @Test func durationsAreCountedInBuckets() {
    let text = Self.page().text()
    for (bound, count) in [
      ("0.001", 2), ("0.0025", 3), ("0.025", 3), ("0.05", 4), ("60.0", 4), ("+Inf", 5),
    ] {
      #expect(text.contains("\ntook_seconds_bucket{le=\"\(bound)\"} \(count)\n"), "\(bound)")
    }
    #expect(text.contains("\ntook_seconds_sum 90.042501\ntook_seconds_count 5\n"))
    #expect(LatencyHistogram().counts(upTo: [1, 2]) == [0, 0, 0])
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func bucketsHoldEveryDuration(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var durations = LatencyHistogram()
    let values = (0..<300).map { _ in Int64.random(in: 0...200_000, using: &random) }
    for value in values { durations.record(microseconds: value) }
    let bounds = [0.001, 0.01, 0.05, 0.1]
    let counts = durations.counts(upTo: bounds)
    #expect(counts.reduce(0, +) == values.count)
    for (place, bound) in bounds.enumerated() {
      // The histogram keeps three digits.
      let exact = values.count { Double($0) <= bound * 1e6 }
      let near = values.count { Double($0) <= bound * 1.001e6 }
      #expect((exact...near).contains(counts[...place].reduce(0, +)), "\(bound)")
    }
  }

  @Test(arguments: [
    (nil, MetricsPage.Format.prometheus), ("*/*", .prometheus), ("text/plain", .prometheus),
    ("application/openmetrics-text; version=1.0.0", .openMetrics),
    ("text/html, application/openmetrics-text;q=0.9", .openMetrics),
  ])
  func theFormatIsTheOneThatIsAccepted(header: String?, format: MetricsPage.Format) {
    #expect(MetricsPage.Format(accepting: header) == format)
  }
}
