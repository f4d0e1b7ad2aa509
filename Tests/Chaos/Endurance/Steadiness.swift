import Presentation

/// Whether a program stays what it was: the middle of the first third beside that of the last one,
/// after a quarter of the run in which it warms up.
package struct Steadiness {
  private let first: ArraySlice<EnduranceSample>
  private let last: ArraySlice<EnduranceSample>

  package init(_ samples: [EnduranceSample]) {
    let rest = samples.dropFirst(samples.count / 4)
    first = rest.prefix(rest.count / 3)
    last = rest.suffix(rest.count / 3)
  }

  /// All that has to stay.
  package var checks: [EnduranceReport.Check] {
    let all: [EnduranceReport.Check?] = [
      count("memory of the filter, MiB", share: 0.05, margin: 4_194_304) {
        $0.filter?.gauge.memory
      },
      count("its handles", margin: 2) { $0.filter?.gauge.handles },
      count("its threads", margin: 0) { $0.filter?.gauge.threads },
      count("memory of the labelling service, MiB", share: 0.05, margin: 4_194_304) {
        $0.labeller?.gauge.memory
      },
      count("its handles", margin: 2) { $0.labeller?.gauge.handles },
      count("its threads", margin: 0) { $0.labeller?.gauge.threads },
      latency(0.5), latency(0.99),
    ]
    return all.compactMap(\.self)
  }

  /// It may grow by that share or that margin, whichever is more; nil where it is not known.
  private func count(
    _ name: String, share: Double = 0, margin: Double, _ value: (EnduranceSample) -> Int?
  ) -> EnduranceReport.Check? {
    guard let before = first.median(value), let after = last.median(value) else { return nil }
    let isBytes = name.hasSuffix("MiB")
    func text(_ value: Double) -> String {
      isBytes ? EnduranceReport.mebibytes(value) : fixed(value, 0)
    }
    return EnduranceReport.Check(
      name: name, found: "\(text(before)), later \(text(after))",
      isMet: after <= before + max(before * share, margin))
  }

  /// It may grow by a half.
  private func latency(_ share: Double) -> EnduranceReport.Check? {
    guard let before = first.latency?.quantile(share), let after = last.latency?.quantile(share)
    else { return nil }
    return EnduranceReport.Check(
      name: "time from reading to commit, p\(fixed(share * 100, 0)) ms",
      found: "\(fixed(before * 1e3, 1)), later \(fixed(after * 1e3, 1))",
      isMet: after <= before * 1.5)
  }
}
