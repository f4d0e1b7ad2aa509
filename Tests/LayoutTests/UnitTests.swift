import Foundation
import TestSupport
import Testing

/// The units of systemd.
@Suite struct UnitTests {
  private func lines(_ unit: String) throws -> [String] {
    let text = try String(contentsOf: SourceTree.url("systemd/\(unit)"), encoding: .utf8)
    return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// One of several daemons is what the only one is, but for its names.
  @Test func theTemplateIsTheService() throws {
    let names = [
      ("Description=", " (%i)", ""), ("ExecReload=", "/%i.yaml", "/sluice.yaml"),
      ("ExecStartPre=", "/%i.yaml", "/sluice.yaml"), ("ExecStart=", "/%i.yaml", "/sluice.yaml"),
      ("RuntimeDirectory=", "sluice-%i", "sluice"),
    ]
    let template = try lines("sluice@.service").map { line in
      let name = names.first { line.hasPrefix($0.0) }
      return name.map { line.replacing($0.1, with: $0.2) } ?? line
    }
    let settings = { (lines: [String]) in lines.filter { !$0.hasPrefix("#") || $0.contains("=") } }
    #expect(settings(template) == settings(try lines("sluice.service")))
  }

  /// The sandbox is that of the daemon in each of them, but for what training needs.
  @Test(arguments: ["sluice@.service", "sluice-label.service", "sluice-retrain.service"])
  func eachHasTheSameSandbox(unit: String) throws {
    func sandbox(_ unit: String) throws -> [String] {
      let all = try lines(unit)
      let start = try #require(all.firstIndex { $0.hasPrefix("# Sandbox:") })
      return all[start...].prefix { $0 != "[Install]" }.filter { !$0.hasPrefix("#") && $0 != "" }
    }
    #expect(try sandbox(unit) == sandbox("sluice.service"))
  }
}
