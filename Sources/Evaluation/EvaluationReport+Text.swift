internal import Datasets
internal import Metrics
internal import Presentation

// The report as a terminal shows it.
extension EvaluationReport {
  /// Tables of the main metrics with their intervals, of the calibration and of the comparison.
  package var text: String {
    var parts = [heading, setTable.text]
    parts += sets.compactMap(Self.categoryText)
    if let calibrationText { parts.append(calibrationText) }
    if let comparison { parts.append(comparisonText(comparison)) }
    if let evasion { parts.append(Self.evasionText(evasion)) }
    if let cost { parts.append(costText(cost)) }
    return parts.joined(separator: "\n\n")
  }

  private static let columns: [(title: String, metric: Metric)] = [
    ("F1", .f1), ("AUPRC", .auprc), ("AUROC", .auroc), ("false positives", .falsePositiveRate),
  ]

  private var heading: String {
    var facts = ["\(model), flagged from \(fixed(options.threshold, 2)) up"]
    if judgesPromptsOnly { facts.append("prompts only, as the model is for") }
    if isTruncated { facts.append("long texts cut to one window") }
    if options.bootstrap.replicates > 0 {
      facts.append("95 % intervals from \(grouped(options.bootstrap.replicates)) replicates")
    }
    return facts.joined(separator: ", ")
  }

  private var setTable: TextTable {
    var table = TextTable(.figures, header: ["set", "rows", "unsafe"] + Self.columns.map(\.title))
    for set in sets { table.add(Self.cells(set.name, set.measurement)) }
    if sets.count > 1 { table.add(Self.cells("average", average)) }
    return table
  }

  /// One row for each category of the model.
  private static func categoryText(_ set: SetReport) -> String? {
    guard let first = set.categories.first else { return nil }
    let positives = first.hasTruth ? "of the category" : "unsafe"
    var table = TextTable(
      .figures,
      header: ["\(set.name), by category", "flagged", positives] + columns.map(\.title))
    for slice in set.categories {
      let figures = cells(slice.name, slice.measurement)
      table.add([slice.name, grouped(slice.flagged)] + figures.dropFirst(2))
    }
    return table.text
  }

  private func costText(_ cost: CostReport) -> String {
    var table = TextTable(.figures, header: CostReport.columns)
    for row in cost.rows(model) { table.add(row) }
    return table.text + "\n" + cost.notes.joined(separator: "\n")
  }

  /// The share of flagged unsafe rows that each change lets pass, by set.
  private static func evasionText(_ evasion: EvasionReport) -> String {
    let columns = evasion.sets + (evasion.sets.count > 1 ? [evasion.total] : [])
    var table = TextTable(.figures, header: ["let pass after"] + columns.map(\.set))
    table.add(["(flagged before)"] + columns.map { grouped($0.attacked) })
    for change in Evasion.allCases.map(Optional.some) + [nil] {
      let name = change.map { "\($0.rawValue): \($0.summary)" } ?? "any of them"
      table.add([name] + columns.map { cell($0.rate(change)) })
    }
    table.add(["mean"] + columns.map { $0.meanRate.map(percent) ?? "–" })
    return table.text
  }

  private static func cell(_ rate: (value: Double, interval: ConfidenceInterval)?) -> String {
    guard let rate else { return "–" }
    let interval = "\(percent(rate.interval.low)) to \(percent(rate.interval.high))"
    return "\(percent(rate.value)) (\(interval))"
  }

  private static func cells(_ name: String, _ measurement: Measurement) -> [String] {
    let figures = columns.map { column -> String in
      guard let value = measurement.values[column.metric] else { return "–" }
      guard let interval = measurement.intervals[column.metric] else { return fixed(value) }
      return "\(fixed(value)) (\(fixed(interval.low)) to \(fixed(interval.high)))"
    }
    return [name, grouped(measurement.rows), grouped(measurement.positives)] + figures
  }

  private var calibrationText: String? {
    guard let calibration else { return nil }
    var lines = ["calibration: temperature \(fixed(calibration.temperature))"]
    if let rows = calibration.fittedOn?.rows {
      lines[0] += ", fitted on \(grouped(rows)) rows"
    }
    if let fit, let before = fit.errorBefore, let after = fit.errorAfter {
      lines[0] += ", calibration error there \(fixed(before)) before and \(fixed(after)) after"
    }
    guard let threshold = calibration.threshold else { return lines[0] }
    var title = "at the model's threshold \(fixed(threshold, 4))"
    if let rate = calibration.falsePositiveRate {
      title += " (for \(percent(rate)) false positives)"
    }
    var table = TextTable(
      .figures, header: ["set", "F1", "precision", "recall", "false positives"])
    for set in sets {
      guard let confusion = calibratedConfusion(set) else { continue }
      let figures = [
        confusion.f1, confusion.precision, confusion.recall, confusion.falsePositiveRate,
      ]
      table.add([set.name] + figures.map { $0.map { fixed($0) } ?? "–" })
    }
    return (lines + [title + ":", table.text]).joined(separator: "\n")
  }

  private func comparisonText(_ comparison: ModelComparison) -> String {
    var table = TextTable(
      .figures, header: ["minus \(comparison.baseline)"] + Self.columns.map(\.title))
    for (set, differences) in zip(sets, comparison.differences) {
      table.add([set.name] + Self.cells(differences))
    }
    if sets.count > 1 {
      table.add(["average"] + Self.cells(comparison.averageDifferences))
    }
    return table.text + "\np: probability that the model is not better, by paired bootstrap"
  }

  private static func cells(_ differences: [Metric: PairedDifference]) -> [String] {
    columns.map { column in
      guard let difference = differences[column.metric] else { return "–" }
      var text = signed(difference.difference)
      if let interval = difference.interval {
        text += " (\(signed(interval.low)) to \(signed(interval.high)))"
      }
      if let pValue = difference.pValue { text += " p \(fixed(pValue))" }
      return text
    }
  }
}
