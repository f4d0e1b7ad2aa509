import Presentation

/// What has to be so while more comes than can be judged, and afterwards.
package struct OverloadChecks {
  let samples: [EnduranceSample]
  /// When too much came, in seconds.
  let overload: Range<Double>
  let times: Double
  /// MiB.
  let growthMax: Double
  /// Exchanges a second that are no trouble.
  let bearable: Double

  package init(
    samples: [EnduranceSample], overload: Range<Double>, times: Double, growthMax: Double,
    bearable: Double
  ) {
    (self.samples, self.overload, self.times) = (samples, overload, times)
    (self.growthMax, self.bearable) = (growthMax, bearable)
  }

  private var before: [EnduranceSample] { samples.filter { $0.at < overload.lowerBound } }
  private var during: [EnduranceSample] { samples.filter { overload.contains($0.at) } }
  private var after: [EnduranceSample] { samples.filter { $0.at >= overload.upperBound } }

  package var all: [EnduranceReport.Check] { [excess, memory, health, lag, recovery, latency] }

  private var excess: EnduranceReport.Check {
    guard let first = during.first, let last = during.last, last.decided > first.decided else {
      return .init(name: "more came than was judged", found: "nothing was judged", isMet: false)
    }
    let found = Double(last.sent - first.sent) / Double(last.decided - first.decided)
    return .init(
      name: "more came than was judged", found: "\(fixed(found, 1)) times as much",
      isMet: found >= times * 0.95)
  }

  private var memory: EnduranceReport.Check {
    let calm = before.median { $0.filter?.gauge.memory } ?? 0
    let most = samples.compactMap(\.filter?.gauge.memory).max() ?? 0
    let growth = (Double(most) - calm) / 1_048_576
    return .init(
      name: "memory is bounded",
      found: "\(EnduranceReport.mebibytes(calm)) MiB before, at most "
        + "\(EnduranceReport.mebibytes(Double(most))) MiB",
      isMet: growth <= growthMax)
  }

  /// It makes progress, and so it is ready.
  private var health: EnduranceReport.Check {
    let good = samples.count { $0.filter.map { $0.isLive && $0.isReady } ?? false }
    return .init(
      name: "live and ready, for it goes on", found: "\(good) of \(samples.count) times",
      isMet: good == samples.count)
  }

  /// What the metrics say is behind, beside what really is, where it is much: it changes between the
  /// two looks.
  private var lag: EnduranceReport.Check {
    let enough = (samples.map(\.backlog).max() ?? 0) / 3
    let errors = samples.filter { $0.backlog > enough }.map { sample in
      sample.filter?.lag.map { abs($0 - Double(sample.backlog)) / Double(sample.backlog) } ?? 1
    }.sorted()
    let middle = errors.isEmpty ? 1 : errors[errors.count / 2]
    return .init(
      name: "the lag that the metrics tell is true",
      found: "\(percent(middle)) beside it in the middle, \(percent(errors.last ?? 1)) at most, "
        + "of \(errors.count) looks at more than \(grouped(enough)) that wait",
      isMet: middle <= 0.05)
  }

  private var recovery: EnduranceReport.Check {
    let most = samples.map(\.backlog).max() ?? 0
    let end = after.first { Double($0.backlog) <= bearable }
    let text = end.map { "\(fixed($0.at - overload.upperBound, 0)) s after too much came" }
    return .init(
      name: "the backlog is gone", found: "\(grouped(most)) at most, \(text ?? "never")",
      isMet: end != nil)
  }

  /// As fast as before, once there is no backlog.
  private var latency: EnduranceReport.Check {
    let end = samples.last?.at ?? 0
    let calm = samples.filter { $0.at > end - overload.lowerBound / 2 }
    let settled = before.dropFirst(before.count / 3)
    let (was, now) = (settled.latency?.quantile(0.99), calm.latency?.quantile(0.99))
    guard let was, let now else {
      return .init(name: "as fast as before", found: "not known", isMet: false)
    }
    return .init(
      name: "as fast as before",
      found: "p99 \(fixed(was * 1e3, 0)) ms before, \(fixed(now * 1e3, 0)) ms in the end",
      isMet: now <= max(was * 2, 0.25))
  }
}
