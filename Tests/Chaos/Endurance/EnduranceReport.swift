import Foundation
import Presentation

/// What a long run brought, as text and as a page.
package struct EnduranceReport {
  /// Something that had to be so, and what it was.
  package struct Check: Sendable {
    package let name: String
    package let found: String
    package let isMet: Bool
  }

  let title: String
  let result: EnduranceResult
  let checks: [Check]
  private static let windows = 12

  var isGood: Bool {
    result.findings.isEmpty && result.problems.isEmpty && checks.allSatisfy(\.isMet)
  }

  /// A table over time, what had to be so, and what is wrong.
  var text: String {
    var table = TextTable(.figures, header: Self.head)
    for row in rows { table.add(row) }
    let findings = result.findings
    let counts =
      "\(grouped(result.samples.last?.sent ?? 0)) exchanges, \(findings.lost) lost, "
      + "\(findings.repeated) repeated, \(findings.reordered) reordered, \(findings.wrong) wrong; "
      + "\(result.models) models registered; all decided \(fixed(result.settling, 1)) s after the last"
    let marks = checks.map { "\($0.isMet ? "✔" : "✘") \($0.name): \($0.found)" }
    let wrong = (findings.examples + result.problems).map { "✘ \($0)" }
    return ([table.text, "", counts] + marks + wrong).joined(separator: "\n")
  }

  private static let head = [
    "s", "sent/s", "decided/s", "backlog", "lag said", "ready", "p50 ms", "p99 ms",
    "memory MiB", "resident MiB", "handles", "threads", "labelling MiB", "its handles", "swaps",
  ]

  /// Equal parts of the run, each from sample to sample.
  private var parts: [ArraySlice<EnduranceSample>] {
    let count = result.samples.count
    return (0..<Self.windows).compactMap { window in
      let start = window * (count - 1) / Self.windows
      let end = (window + 1) * (count - 1) / Self.windows
      return start < end ? result.samples[start...end] : nil
    }
  }

  private var rows: [[String]] {
    parts.compactMap { part in
      guard let first = part.first, let last = part.last else { return nil }
      let seconds = max(last.at - first.at, 0.001)
      let latency = part.latency
      func rate(_ count: Int) -> String { fixed(Double(count) / seconds, 0) }
      func milliseconds(_ share: Double) -> String {
        latency?.quantile(share).map { fixed($0 * 1e3, 0) } ?? "–"
      }
      let asked = part.compactMap(\.filter)
      return [
        fixed(last.at, 0), rate(last.sent - first.sent), rate(last.decided - first.decided),
        grouped(last.backlog), last.filter?.lag.map { grouped(Int($0)) } ?? "–",
        percent(Double(asked.count(where: \.isReady)) / Double(max(1, part.count))),
        milliseconds(0.5), milliseconds(0.99),
        Self.mebibytes(part.median { $0.filter?.gauge.memory }),
        Self.mebibytes(part.median { $0.filter?.gauge.resident }),
        Self.whole(part.median { $0.filter?.gauge.handles }),
        Self.whole(part.median { $0.filter?.gauge.threads }),
        Self.mebibytes(part.median { $0.labeller?.gauge.memory }),
        Self.whole(part.median { $0.labeller?.gauge.handles }), "\(last.swaps)",
      ]
    }
  }

  static func mebibytes(_ bytes: Double?) -> String {
    bytes.map { fixed($0 / 1_048_576, 1) } ?? "–"
  }

  private static func whole(_ value: Double?) -> String { value.map { fixed($0, 0) } ?? "–" }

  /// Writes `report.html` and `report.txt`.
  func write(to folder: String) throws {
    let findings = result.findings
    let page = Page(
      title: title,
      sections: [
        "<h1>\(escaped(title))</h1>",
        Page.tiles([
          ("exchanges", grouped(result.samples.last?.sent ?? 0), ""),
          ("lost", grouped(findings.lost), ""), ("repeated", grouped(findings.repeated), ""),
          ("wrong or reordered", grouped(findings.wrong + findings.reordered), ""),
        ]),
        Page.table(
          head: ["what had to be so", "what it was", ""],
          rows: checks.map {
            "<tr><th scope=\"row\">\(escaped($0.name))</th><td>\(escaped($0.found))</td>"
              + "<td>\($0.isMet ? "yes" : "no")</td></tr>"
          }),
        Page.plots([
          plot("sent (dashed) and decided", "exchanges", { Double($0.decided) }) {
            Double($0.sent)
          },
          plot("backlog, and as the metrics say (dashed)", "exchanges", { Double($0.backlog) }) {
            $0.filter?.lag
          },
          plot(
            "memory of the filter, and of the labelling service (dashed)", "MiB",
            {
              $0.filter.map { Double($0.gauge.memory) / 1_048_576 }
            }
          ) { $0.labeller.map { Double($0.gauge.memory) / 1_048_576 } },
          plot(
            "handles and threads (dashed) of the filter", "",
            {
              $0.filter.map { Double($0.gauge.handles) }
            }
          ) { $0.filter.map { Double($0.gauge.threads) } },
        ]),
        Page.table(
          head: Self.head,
          rows: rows.map { "<tr>" + $0.map { "<td>\(escaped($0))</td>" }.joined() + "</tr>" }),
      ])
    try Data(page.html.utf8).write(to: URL(filePath: "\(folder)/report.html"))
    try Data("\(text)\n".utf8).write(to: URL(filePath: "\(folder)/report.txt"))
  }

  private func plot(
    _ title: String, _ unit: String, _ value: (EnduranceSample) -> Double?,
    _ other: (EnduranceSample) -> Double?
  ) -> Plot {
    func points(_ value: (EnduranceSample) -> Double?) -> [Plot.Point] {
      result.samples.compactMap { sample in
        value(sample).map { Plot.Point(x: sample.at / 60, y: $0) }
      }
    }
    let (line, dashed) = (points(value), points(other))
    var plot = Plot(title, x: "minutes", y: unit)
    plot.fitHorizontally(to: result.samples.map { $0.at / 60 } + [0])
    plot.fitVertically(to: (line + dashed).map(\.y) + [1], from: 0)
    plot.line(line, "model")
    plot.line(dashed, "baseline")
    return plot
  }
}

extension Collection<EnduranceSample> {
  /// The filter's times from reading to commit between the first and the last look.
  var latency: Histogram? {
    let all = compactMap(\.filter?.latency)
    guard let first = all.first, let last = all.last else { return nil }
    return last.since(first)
  }

  /// The middle one of what is known; nil where nothing is.
  func median(_ value: (EnduranceSample) -> Int?) -> Double? {
    let sorted = compactMap(value).sorted()
    return sorted.isEmpty ? nil : Double(sorted[sorted.count / 2])
  }
}
