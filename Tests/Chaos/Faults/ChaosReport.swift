import Foundation
import Presentation
import TestSupport

/// What a run brought, as text and as a page.
struct ChaosReport {
  private let plan: ChaosPlan
  private var results: [RoundResult] = []

  init(_ plan: ChaosPlan) { self.plan = plan }

  mutating func add(_ result: RoundResult) { results.append(result) }

  /// One line about a round.
  func line(of result: RoundResult) -> String {
    let held = result.held.values.reduce(0, +)
    return "round \(result.number): \(grouped(plan.records)) exchanges, "
      + "\(result.incidents.count) faults, \(held) requests held, "
      + "\(result.aborted) outputs aborted; "
      + "\(result.findings.lost) lost, \(result.findings.repeated) repeated, "
      + "\(result.findings.reordered) reordered, \(result.findings.wrong) wrong; "
      + "all decided \(fixed(result.settling, 1)) s after the last fault, "
      + "\(duration(result.seconds))"
  }

  /// What is wrong with a round.
  func complaint(about result: RoundResult) -> String {
    (result.findings.examples + result.problems).map { "  \($0)" }.joined(separator: "\n")
      + "\nseed \(plan.seed), round \(result.number); logs and report in \(plan.folder)"
  }

  /// Totals, and a table of faults.
  var text: String {
    let findings = results.map(\.findings)
    return """
      \(table.text)

      seed \(plan.seed), \(place): \(grouped(plan.records * results.count)) exchanges in \(results.count) \
      rounds, \(count(\.lost, findings)) lost, \(count(\.repeated, findings)) repeated, \
      \(count(\.reordered, findings)) reordered, \(count(\.wrong, findings)) wrong
      requests held, by kind: \(heldText)
      daemons that left by themselves or were asked to: \(endingsText)
      """
  }

  private var place: String {
    plan.cluster.map { "topics \($0.prefix)-* on \($0.bootstrapServers)" } ?? "noida-db"
  }

  private func count(_ path: KeyPath<Verifier.Findings, Int>, _ findings: [Verifier.Findings])
    -> Int
  {
    findings.reduce(0) { $0 + $1[keyPath: path] }
  }

  /// Times until every partition had moved on.
  private var table: TextTable {
    var table = TextTable(
      .figures, header: ["fault", "times", "recovery p50 s", "p99 s", "most s"])
    for row in rows { table.add(row) }
    return table
  }

  private var rows: [[String]] {
    let incidents = results.flatMap(\.incidents)
    let kinds = Fault.allCases.map { fault in
      (fault.rawValue, incidents.filter { $0.fault == fault })
    }
    return (kinds.filter { !$0.1.isEmpty } + [("all", incidents)]).map { name, incidents in
      let times = incidents.compactMap(\.recovery).sorted()
      func at(_ share: Double) -> String {
        times.isEmpty
          ? "–" : fixed(times[min(times.count - 1, Int(Double(times.count) * share))], 1)
      }
      return [name, String(incidents.count), at(0.5), at(0.99), at(1)]
    }
  }

  private static let apiNames: [Int16: String] = [
    0: "Produce", 24: "AddPartitionsToTxn", 25: "AddOffsetsToTxn", 26: "EndTxn",
    28: "TxnOffsetCommit",
  ]

  private var heldText: String {
    var held: [Int16: Int] = [:]
    for result in results { held.merge(result.held, uniquingKeysWith: +) }
    if held.isEmpty { return "none" }
    return held.sorted { $0.key < $1.key }
      .map { "\(Self.apiNames[$0.key] ?? "\($0.key)") \($0.value)" }.joined(separator: ", ")
  }

  private var endingsText: String {
    var endings: [ChildProcess.Ending: Int] = [:]
    for result in results { endings.merge(result.endings, uniquingKeysWith: +) }
    let texts = endings.map { ending, count in
      switch ending {
      case .exited(let code): "code \(code): \(count)"
      case .killed(let signal): "signal \(signal): \(count)"
      }
    }
    return texts.isEmpty ? "none" : texts.sorted().joined(separator: ", ")
  }

  /// Writes `report.html`.
  func write() throws {
    let findings = results.map(\.findings)
    let tiles: [(String, String, String)] = [
      (
        "exchanges", grouped(plan.records * results.count),
        "\(results.count) rounds, seed \(plan.seed)"
      ),
      (
        "faults", grouped(results.reduce(0) { $0 + $1.incidents.count }),
        "held requests: \(heldText)"
      ),
      ("lost", grouped(count(\.lost, findings)), "of all exchanges"),
      ("repeated", grouped(count(\.repeated, findings)), "for readers of committed records"),
      ("wrong or reordered", grouped(count(\.wrong, findings) + count(\.reordered, findings)), ""),
    ]
    let rows = rows.map { row in
      "<tr><th scope=\"row\">\(row[0])</th>" + row.dropFirst().map { "<td>\($0)</td>" }.joined()
        + "</tr>"
    }
    let page = Page(
      title: "Exactly once, while things fail",
      sections: [
        "<h1>Exactly once, while things fail</h1>", Page.tiles(tiles),
        Page.table(
          head: ["fault", "times", "recovery p50 (s)", "p99 (s)", "most (s)"], rows: rows),
        "<h2>Rounds</h2><p>Exchanges sent (dashed) and decided, with each fault on the line.</p>",
        Page.plots(results.map(plot)),
      ])
    try Data(page.html.utf8).write(to: URL(filePath: "\(plan.folder)/report.html"))
  }

  private func plot(_ result: RoundResult) -> Plot {
    var plot = Plot("round \(result.number)", x: "seconds", y: "exchanges")
    plot.fitHorizontally(to: result.samples.map(\.at) + [0])
    plot.fitVertically(to: [Double(plan.records)], from: 0)
    plot.xText = { fixed($0, 0) }
    plot.line(result.samples.map { Plot.Point(x: $0.at, y: Double($0.sent)) }, "baseline")
    plot.line(result.samples.map { Plot.Point(x: $0.at, y: Double($0.decided)) }, "model")
    for incident in result.incidents {
      let decided = result.samples.last { $0.at <= incident.at }?.decided ?? 0
      let name = "\(incident.fault.rawValue) of daemon \(incident.member)"
      plot.dot(
        Plot.Point(x: incident.at, y: Double(decided)), radius: 2.5, "baseline",
        hint: "\(name) at \(fixed(incident.at, 1)) s, recovered after "
          + (incident.recovery.map { fixed($0, 1) + " s" } ?? "–"))
    }
    return plot
  }
}
