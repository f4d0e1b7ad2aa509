import Basics
import Datasets
import Evaluation
import Foundation
import Metrics
import Tensors
import TestSupport
import Testing

/// Changes of texts that people read over, and what they do to a model.
@Suite struct EvasionTests {
  private static let text = "How do I pick a lock? Größe 12, élève; IT'S «quoted» 中文 😀!"

  private func changed(_ evasion: Evasion, _ text: String = text, seed: UInt64 = 1) -> String {
    var generator = SplitMix64(seed: seed)
    return evasion.changed(text, using: &generator)
  }

  @Test(arguments: Evasion.allCases) func theSeedDecides(evasion: Evasion) {
    #expect(changed(evasion) == changed(evasion))
    #expect(changed(evasion) != Self.text)
    let others = Set((0..<20).map { changed(evasion, seed: $0) })
    #expect(others.count > 1 || [.spacing, .turns].contains(evasion))
  }

  @Test(arguments: Evasion.allCases, ["", " ", "a", "\n\n", "👩‍👩‍👧‍👦", "e\u{301}"])
  func shortTextsStayWhole(evasion: Evasion, text: String) {
    let result = changed(evasion, text)
    #expect(result.count >= text.count)
  }

  /// What is left when each change is undone is the text.
  @Test(arguments: 0..<20 as Range<UInt64>) func theMeaningStays(seed: UInt64) {
    func undone(_ evasion: Evasion, _ body: (String) -> String) -> Bool {
      body(changed(evasion, seed: seed)) == body(Self.text)
    }
    #expect(undone(.spacing) { $0.filter { !$0.isWhitespace } })
    #expect(
      undone(.zeroWidth) { text in
        String(
          String.UnicodeScalarView(
            text.unicodeScalars.filter { !$0.properties.isDefaultIgnorableCodePoint }))
      })
    #expect(undone(.letterCase) { $0.uppercased() })
    #expect(undone(.turns) { $0.replacing("\n", with: " ") })
    #expect(changed(.paddingBefore, seed: seed).hasSuffix("\n\n" + Self.text))
    #expect(changed(.paddingAfter, seed: seed).hasPrefix(Self.text + "\n\n"))
    #expect(changed(.leet, seed: seed).count == Self.text.count)
    #expect(changed(.homoglyphs, seed: seed).count == Self.text.count)
    let words = Set(changed(.controlTokens, seed: seed).split(separator: " "))
    #expect(words.isSuperset(of: Self.text.split(separator: " ")))
    let forwards = changed(.bidirectional, seed: seed).split(separator: "\u{202E}").enumerated()
      .map { index, part in
        let halves = part.split(separator: "\u{202C}", maxSplits: 1)
        return index == 0 || halves.count < 2
          ? String(part) : String(halves[0].reversed()) + halves[1]
      }
    #expect(forwards.joined().count >= Self.text.count - 2)
  }

  /// Flagged unsafe rows are changed, others are not; the figures are those of the changed rows.
  @Test func flipsAreCounted() throws {
    let scorer = DatasetScorer(
      model: try DatasetScorer.load(
        model: GoldenCase.url("v3-style").path, pool: WorkerPool(workers: 1)))
    let examples = (0..<40).map { number in
      LabelledExample(
        id: "\(number)", prompt: "the quick fox runs over stone number \(number)",
        response: number % 3 == 0 ? "a deep forest" : nil, isUnsafe: number % 2 == 0)
    }
    let scored = try scorer.score(examples, name: "rows")
    let middle = scored.rows.map(\.score).sorted()[20]
    let flagged = examples.indices.filter {
      examples[$0].isUnsafe && scored.rows[$0].score >= middle
    }
    #expect(flagged.count > 3)
    var trial = EvasionTrial()
    var shares: [Double] = []
    let findings = try trial.run(examples, scored, threshold: middle, with: scorer) {
      shares.append($0)
    }
    #expect(findings.attacked == flagged.count)
    #expect(shares.last == 1 && shares == shares.sorted())
    var passing = Set<Int>()
    for evasion in Evasion.allCases {
      let rows = try scorer.score(
        flagged.map { Evader(seed: trial.seed).changed(examples[$0], by: evasion) }, name: "changed"
      ).rows
      let flips = rows.indices.filter { rows[$0].score < middle }
      #expect(findings.flipped[evasion] ?? 0 == flips.count, "\(evasion)")
      passing.formUnion(flips)
    }
    #expect(findings.flippedByAny == passing.count)
    trial.rowsMax = 2
    let few = try trial.run(examples, scored, threshold: middle, with: scorer) { _ in }
    #expect(few.attacked == 2)
  }

  @Test func ratesHaveIntervalsAndAddUp() throws {
    func findings(_ attacked: Int, _ flips: Int) -> EvasionReport.Findings {
      EvasionReport.Findings(
        set: "s\(attacked)", attacked: attacked, flipped: [.leet: flips], flippedByAny: flips)
    }
    let report = EvasionReport(sets: [findings(10, 5), findings(30, 0)], seed: 1)
    let rate = try #require(report.total.rate(.leet))
    #expect(rate.value == 0.125)
    #expect(report.total.meanRate == 0.0125 && findings(0, 0).meanRate == nil)
    // Wilson's interval by hand for 5 of 40.
    #expect(abs(rate.interval.low - 0.0546) < 1e-4 && abs(rate.interval.high - 0.2611) < 1e-4)
    #expect(report.total.rate(.spacing)?.value == 0)
    #expect(findings(0, 0).rate(nil) == nil)
  }

  @Test func theReportTellsThem() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/gold.jsonl"
    let rows = (0..<8).map {
      LabelledExample(id: "\($0)", prompt: "secretword stone \($0)", isUnsafe: $0 % 2 == 0)
    }
    try rows.map(DatasetFile.line).reduce(Data(), +).write(to: URL(filePath: path))
    var evaluator = Evaluator(model: GoldenCase.url("v3-style").path, data: [path])
    evaluator.options = MeasurementOptions(
      threshold: 0, bootstrap: Bootstrap(replicates: 0, seed: 1))
    evaluator.evasion = EvasionTrial()
    var shares: [Double] = []
    let report = try evaluator.run(pool: WorkerPool(workers: 1)) { shares.append($0.share) }
    #expect(report.evasion?.total.attacked == 4)
    #expect(shares.allSatisfy { $0 <= 1 } && shares == shares.sorted())
    let json = try #require(try JSONSerialization.jsonObject(with: report.json) as? [String: Any])
    let total = try #require((json["evasion"] as? [String: Any])?["total"] as? [String: Any])
    #expect(
      Set(total.keys)
        == Set(Evasion.allCases.map(\.rawValue) + ["any", "attacked", "meanFlipRate"]))
    for text in [report.text, report.page, String(decoding: report.json, as: UTF8.self)] {
      #expect(text.contains("homoglyphs") && !text.contains("secretword"))
    }
  }
}
