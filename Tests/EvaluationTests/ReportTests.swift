import Evaluation
import Foundation
import Metrics
import ModelRegistry
import Testing

@Suite struct ReportTests {
  private let options = MeasurementOptions(bootstrap: Bootstrap(replicates: 60, seed: 3))

  private func report(
    _ names: [String] = ["a", "b"], compares: Bool = false, model: String = "small@12345678"
  ) throws -> EvaluationReport {
    func measured(skill: Double) throws -> [SetReport] {
      try names.enumerated().map { index, name in
        let set = sampleSet(name, 120, seed: UInt64(index + 1), sources: 2, skill: skill)
        return try SetReport(set, options: options, index: index)
      }
    }
    let sets = try measured(skill: 0.3)
    let comparison =
      compares
      ? try ModelComparison(of: sets, with: "old@87654321", try measured(skill: 0.1)) : nil
    return EvaluationReport(
      model: model, calibration: Calibration(temperature: 2, threshold: 0.75), options: options,
      isTruncated: false, sets: sets, comparison: comparison, evaluatedAt: "2026-01-31T09:00:00Z")
  }

  private func object(_ value: Any?) throws -> [String: Any] {
    try #require(value as? [String: Any])
  }

  @Test func theJSONHasTheKeysThatOthersRead() throws {
    let report = try report()
    let json = try object(try JSONSerialization.jsonObject(with: report.json))
    let sets = try object(json["sets"])
    let average = try object(json["average"])
    #expect(Set(sets.keys) == ["a", "b"])
    for key in ["f1", "auprc", "auroc"] {
      let values = try ["a", "b"].map { try #require(try object(sets[$0])[key] as? Double) }
      let mean = try #require(average[key] as? Double)
      #expect(abs(mean - (values[0] + values[1]) / 2) < 1e-12)
      let intervals = try object(try object(sets["a"])["intervals"])
      let interval = try #require(intervals[key] as? [Double])
      #expect(interval.count == 2 && interval[0] <= values[0] && values[0] <= interval[1])
    }
    let first = try object(sets["a"])
    #expect(first["rows"] as? Int == 120)
    #expect(first["positives"] as? Int == report.sets[0].measurement.positives)
    for metric in Metric.allCases { #expect(first[metric.rawValue] is Double, "\(metric)") }
    #expect((first["sources"] as? [Any])?.count == 2)
    #expect(try object(first["atCalibratedThreshold"])["recall"] is Double)
    #expect(json["comparison"] == nil)
  }

  @Test func whatIsUndefinedIsAbsent() throws {
    let rows = [0.2, 0.7].map { ScoredRow(margin: logit($0), score: $0, isUnsafe: false) }
    let set = try SetReport(ScoredSet(name: "benign", rows: rows), options: options, index: 0)
    let report = EvaluationReport(
      model: "m@1", calibration: nil, options: options, isTruncated: false, sets: [set],
      evaluatedAt: "")
    let json = try object(try JSONSerialization.jsonObject(with: report.json))
    let benign = try object(try object(json["sets"])["benign"])
    #expect(benign["f1"] == nil && benign["auprc"] == nil && benign["falsePositiveRate"] != nil)
    #expect(try object(json["average"])["auroc"] == nil)
    #expect(report.text.contains("–"))
    #expect(report.page.contains("<td>–</td>"))
  }

  @Test func theComparisonStandsInEveryForm() throws {
    let report = try report(compares: true)
    let json = try object(try JSONSerialization.jsonObject(with: report.json))
    let comparison = try object(json["comparison"])
    #expect(comparison["baseline"] as? String == "old@87654321")
    let differences = try object(
      try object(try object(comparison["sets"])["a"])["differences"])
    let auroc = try object(differences["auroc"])
    #expect(try #require(auroc["difference"] as? Double) > 0)
    #expect((auroc["interval"] as? [Double])?.count == 2 && auroc["pValue"] is Double)
    #expect(report.text.contains("minus old@87654321"))
    #expect(report.page.contains("Difference to <code>old@87654321</code>"))
  }

  @Test func thePageNeedsNothingElse() throws {
    let page = try report(compares: true).page
    for foreign in ["http:", "https:", "<script", "<link", "@import", "url(", "src="] {
      #expect(!page.contains(foreign), "\(foreign)")
    }
    #expect(page.contains("prefers-color-scheme: dark"))
    #expect(page.components(separatedBy: "<svg").count - 1 == 1 + 2 * 4)
    #expect(!page.contains("nan") && !page.contains("inf\""))
  }

  @Test func thePageIsWellFormed() throws {
    let page = try report(["a&b", "<i>"], compares: true, model: "<b>\"&'@1").page
    let body = page.replacing("<!doctype html>", with: "")
      .replacing("<meta charset=\"utf-8\">", with: "")
      .replacing(/<meta name="viewport"[^>]*>/, with: "")
    var open: [Substring] = []
    for match in body.matches(of: /<(\/?)([a-z0-9]+)([^<>]*?)(\/?)>/) {
      if match.1 == "/" {
        #expect(open.popLast() == match.2)
      } else if match.4 != "/" {
        open.append(match.2)
      }
    }
    #expect(open.isEmpty)
    #expect(page.contains("&lt;b&gt;&quot;&amp;&#39;@1") && page.contains("a&amp;b"))
  }

  @Test func theTableFitsItsColumns() throws {
    let lines = try report().text.split(separator: "\n").prefix { !$0.hasPrefix("calibration") }
    #expect(lines.count == 6)
    #expect(Set(lines.dropFirst().map(\.count)).count == 1)
    #expect(lines.last?.hasPrefix("average") == true)
  }
}
