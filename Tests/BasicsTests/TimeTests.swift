import Basics
import Testing

@Suite struct TimeTests {
  @Test func instantsAreCountedInNanoseconds() {
    let start = Instant(nanoseconds: 5)
    let end = start.advanced(byMilliseconds: 1_500)
    #expect(end.nanoseconds(since: start) == 1_500_000_000)
    #expect(end.seconds(since: start) == 1.5)
    #expect(start.duration(until: end) == .milliseconds(1_500))
    #expect(end.duration(until: start) == .zero)
    #expect(start < end && Instant.zero < start)
  }

  @Test func theMonotonicClockNeverGoesBack() {
    let readings = (0..<1_000).map { _ in Instant.now }
    #expect(readings == readings.sorted())
    #expect(readings[0] > .zero)
  }

  @Test func theWallClockAgreesWithTheStandardLibrary() {
    let before = WallClock.milliseconds()
    let text = Timestamp.text(milliseconds: before)
    #expect(Timestamp.milliseconds(text) == before)
    #expect(before > 1_700_000_000_000)
  }

  @Test(arguments: [
    (Duration.zero, Int64(0)), (.nanoseconds(1), 1), (.microseconds(999), 1), (.milliseconds(1), 1),
    (.microseconds(1_001), 2), (.seconds(3_600), 3_600_000), (.seconds(Int64.max), Int64.max),
  ])
  func waitsAreRoundedUpToMilliseconds(duration: Duration, milliseconds: Int64) {
    #expect(duration.milliseconds == milliseconds)
  }

  @Test func secondsKeepTheirFraction() {
    #expect(Duration.milliseconds(1_250).seconds == 1.25)
    #expect(Duration.nanoseconds(1).seconds == 1e-9)
    #expect(Duration.milliseconds(-500).seconds == -0.5)
  }

  @Test(arguments: [
    (Int64(0), "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"),
    (-1, "1969-12-31T23:59:59.999Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
    (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_769_850_000_123, "2026-01-31T09:00:00.123Z"),
    (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
  ])
  func timestampsAreWrittenAndRead(milliseconds: Int64, text: String) {
    #expect(Timestamp.text(milliseconds: milliseconds) == text)
    #expect(Timestamp.milliseconds(text) == milliseconds)
  }

  @Test(arguments: [
    "", "2026-01-31T09:00:00Z", "2026-01-31 09:00:00.123Z", "2026-13-31T09:00:00.123Z",
    "2026-01-31T24:00:00.123Z", "2026-01-31T09:60:00.123Z", "2026-01-31T09:00:00.123+",
    "2026-01-00T09:00:00.123Z",
  ])
  func otherTimestampsAreRefused(text: String) {
    #expect(Timestamp.milliseconds(text) == nil)
  }
}
