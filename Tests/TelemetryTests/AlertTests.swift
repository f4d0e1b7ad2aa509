import Foundation
import TestSupport
import Testing

/// What `config/` has for Prometheus and Grafana: it parses, it fires, and it names what exists.
@Suite struct AlertTests {
  private static let alerts = "config/prometheus/alerts.yaml"
  private static let dashboard = "config/grafana/sluice.json"
  private static let faults = "Tests/Fixtures/alerts.test.yaml"

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: SourceTree.url(path), encoding: .utf8)
  }

  private static func words(_ pattern: Regex<Substring>, in text: String) -> Set<String> {
    Set(text.matches(of: pattern).map { String($0.output) })
  }

  /// The names of alerts.
  private static func names() throws -> [String] {
    try text(alerts).split(separator: "\n").compactMap { line in
      line.firstRange(of: "- alert: ").map { String(line[$0.upperBound...]) }
    }
  }

  @Test func theRulesAreRules() throws {
    let file = SourceTree.url(Self.alerts).path
    #expect(try MetricsReaders.complaints(aboutRules: file, command: "check") == "")
  }

  /// Faults fire their alerts, and a healthy stream fires none.
  @Test func faultsFireAndHealthDoesNot() throws {
    let file = SourceTree.url(Self.faults).path
    #expect(try MetricsReaders.complaints(aboutRules: file, command: "test") == "")
  }

  /// Each alert is fired by some fault, is silent in health, and has its place in the runbook.
  @Test func eachAlertIsTestedAndExplained() throws {
    let names = try Self.names()
    #expect(names.count >= 15 && Set(names).count == names.count)
    let (alerts, faults) = (try Self.text(Self.alerts), try Self.text(Self.faults))
    let runbook = try Self.text("docs/runbook.md")
    for name in names {
      #expect(faults.contains("alertname: \(name)}"), "\(name) in health")
      #expect(faults.contains("alertname: \(name)\n        exp_alerts:"), "\(name) fires")
      #expect(runbook.contains("\n## \(name)\n"), "\(name)")
      #expect(alerts.contains("runbook_url: docs/runbook.md#\(name.lowercased())\n"), "\(name)")
    }
    let headings = runbook.split(separator: "\n").filter { $0.hasPrefix("## ") }.map {
      String($0.dropFirst(3))
    }
    #expect(headings == names, "no others, in the same order")
  }

  /// Every metric that alerts, their tests and the dashboard name is one of the product's.
  @Test(arguments: [alerts, faults, dashboard, "docs/runbook.md", "docs/operate.md"])
  func metricsExist(path: String) throws {
    var known: Set<String> = []
    for file in try SourceTree.files(under: "Sources", extensions: ["swift"]) {
      let source = try String(contentsOf: file, encoding: .utf8)
      known.formUnion(
        Self.words(/"sluice_[a-z0-9_]+"/, in: source).map { String($0.dropFirst().dropLast()) })
    }
    #expect(known.count > 50)
    for name in Self.words(/\bsluice_[a-z0-9_]+/, in: try Self.text(path)) {
      let family = ["_bucket", "_sum", "_count"].reduce(name) { name, suffix in
        name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
      }
      #expect(known.contains(name) || known.contains(family), "\(name)")
    }
  }

  /// The dashboard's expressions are Prometheus' own language.
  @Test func theDashboardsQueriesParse() throws {
    let json = try JSONSerialization.jsonObject(with: Data(Self.text(Self.dashboard).utf8))
    let panels = try #require((json as? [String: Any])?["panels"] as? [[String: Any]])
    var rules = "groups:\n- name: dashboard\n  rules:\n"
    var ids: Set<Int> = []
    for panel in panels {
      #expect(ids.insert(try #require(panel["id"] as? Int)).inserted)
      for target in panel["targets"] as? [[String: Any]] ?? [] {
        let query = try #require(target["expr"] as? String)
          .replacing("$__rate_interval", with: "5m").replacing(/\$[a-z]+/, with: ".*")
        let quoted = try #require(
          String(data: JSONSerialization.data(withJSONObject: [query]), encoding: .utf8))
        let text = quoted.dropFirst().dropLast().replacing("\\/", with: "/")
        rules += "  - {record: r\(rules.utf8.count), expr: \(text)}\n"
      }
    }
    let directory = try TemporaryDirectory()
    try rules.write(toFile: directory.path + "/r.yaml", atomically: true, encoding: .utf8)
    let file = directory.path + "/r.yaml"
    #expect(rules.split(separator: "\n").count > 40)
    #expect(try MetricsReaders.complaints(aboutRules: file, command: "check") == "")
    let broken = rules.replacing("sum(", with: "summ(")
    try broken.write(toFile: file, atomically: true, encoding: .utf8)
    #expect(try MetricsReaders.complaints(aboutRules: file, command: "check") != "")
  }
}
