import TestSupport
import Testing
import sluice_chaos

/// Long runs notice what they are there for.
@Suite struct EnduranceCheckTests {
  private static let bounds = [0.01, 0.1, 1, .infinity]

  /// A look at a filter that holds so much and has judged so much, each exchange in 0.05 s.
  private func sample(
    _ at: Int, sent: Int = 0, decided: Int = 0, memory: Int = 100 << 20, handles: Int = 40,
    threads: Int = 20, isReady: Bool = true, lag: Double? = 0, slow: Int = 0
  ) -> EnduranceSample {
    let fast = Double(at * 100)
    return EnduranceSample(
      at: Double(at), sent: sent, decided: decided,
      filter: EnduranceSample.Health(
        gauge: ProcessGauge(
          memory: memory, resident: memory, handles: handles, threads: threads),
        isReady: isReady,
        latency: Histogram(
          bounds: Self.bounds, counts: [0, fast, fast + Double(slow), fast + Double(slow)]),
        lag: lag))
  }

  private func broken(_ samples: [EnduranceSample]) -> [String] {
    Steadiness(samples).checks.filter { !$0.isMet }.map(\.name)
  }

  @Test func whatStaysIsSteady() {
    // It warms up, and wavers.
    let samples = (0..<200).map {
      sample($0, memory: ($0 < 20 ? 50 << 20 : 100 << 20) + $0 % 7 << 16, handles: 40 + $0 % 2)
    }
    #expect(broken(samples) == [])
    #expect(Steadiness(samples).checks.count == 5, "without a labelling service")
  }

  @Test func whatGrowsIsNot() {
    #expect(
      broken((0..<200).map { sample($0, memory: 100 << 20 + $0 << 17) })
        == ["memory of the filter, MiB"])
    #expect(broken((0..<200).map { sample($0, handles: 40 + $0 / 20) }) == ["its handles"])
    #expect(broken((0..<200).map { sample($0, threads: 20 + $0 / 100) }) == ["its threads"])
    #expect(
      broken((0..<200).map { sample($0, slow: $0 < 150 ? 0 : ($0 - 150) * 10) })
        == ["time from reading to commit, p99 ms"])
  }

  /// Calm, too much from 10 to 20 s, and then everything is judged until 40 s.
  private func overload(
    backlogAt: (Int) -> Int = {
      $0 < 10 ? 0 : $0 < 20 ? ($0 - 10) * 90 : max(0, 900 - ($0 - 20) * 50)
    },
    change: (Int, EnduranceSample) -> EnduranceSample = { $1 }
  ) -> [String] {
    var sent = 0
    let samples = (0..<60).map { at in
      sent += (10..<20).contains(at) ? 100 : 10
      let backlog = backlogAt(at)
      return change(
        at, sample(at, sent: sent, decided: sent - backlog, lag: Double(backlog)))
    }
    return OverloadChecks(
      samples: samples, overload: 10..<20, times: 8, growthMax: 50, bearable: 10
    ).all.filter { !$0.isMet }.map(\.name)
  }

  @Test func aFilterThatRecoversIsGood() { #expect(overload() == []) }

  @Test func whatGoesWrongUnderTooMuchIsSeen() {
    #expect(overload(backlogAt: { $0 < 10 ? 0 : 900 }).contains("the backlog is gone"))
    #expect(
      overload(backlogAt: { $0 < 10 ? 0 : $0 < 20 ? ($0 - 10) * 40 : 0 }).contains(
        "more came than was judged"))
    #expect(
      overload(change: { at, good in
        at == 15 ? sample(at, sent: good.sent, decided: good.decided, isReady: false) : good
      }).contains("live and ready, for it goes on"))
    #expect(
      overload(change: { at, good in
        at == 18 ? sample(at, sent: good.sent, decided: good.decided, memory: 200 << 20) : good
      }).contains("memory is bounded"))
    #expect(
      overload(change: { at, good in sample(at, sent: good.sent, decided: good.decided, lag: 7) })
        .contains("the lag that the metrics tell is true"))
  }

  @Test func exchangesAreDueEvenlyInEachPhase() {
    let shape = LoadShape(phases: [.init(seconds: 10, rate: 5), .init(seconds: 2, rate: 50)])
    #expect([0, 1, 10, 11, 12, 99].map { shape.due(after: $0) } == [0, 5, 50, 100, 150, 150])
    #expect(shape.records == 150 && shape.seconds == 12)
    let bursts = LoadShape.bursts(seconds: 25, rate: 2, every: 10, times: 5, for: 1)
    #expect(bursts.seconds == 25)
    #expect(bursts.records == 2 * 23 + 10 * 2)
  }

  @Test func quantilesLieWithinBuckets() {
    let histogram = Histogram(bounds: Self.bounds, counts: [50, 90, 100, 100])
    #expect(histogram.quantile(0.5) == 0.01)
    #expect(histogram.quantile(0.7).map { abs($0 - 0.055) < 1e-9 } == true)
    #expect(histogram.quantile(1) == 1)
    #expect(histogram.since(histogram).quantile(0.5) == nil)
    let more = Histogram(bounds: Self.bounds, counts: [50, 90, 100, 140])
    #expect(more.since(histogram).quantile(0.5) == 1, "beyond the last bound nothing is known")
  }
}
