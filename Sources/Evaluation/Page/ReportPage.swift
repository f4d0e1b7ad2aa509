internal import Datasets
internal import Metrics
internal import Presentation

// `report.html`: one file that needs nothing else, with charts drawn here.
extension EvaluationReport {
  /// The whole page.
  package var page: String {
    let sections =
      [header, tiles, overview, comparisonSection, calibrationSection, evasionSection, costSection]
      .compactMap { $0 } + sets.indices.map(setSection) + [notes]
    return Page(title: "Evaluation of \(model)", sections: sections).html
  }

  private var header: String {
    let rows = sets.reduce(0) { $0 + $1.measurement.rows }
    var facts = [
      evaluatedAt.replacing("T", with: " ").replacing("Z", with: " UTC"),
      "\(grouped(rows)) rows in \(sets.count) \(sets.count == 1 ? "set" : "sets")",
      "flagged from \(fixed(options.threshold, 2)) up",
    ]
    if judgesPromptsOnly { facts.append("prompts only, as the model is for") }
    if isTruncated { facts.append("long texts cut to one window") }
    if options.bootstrap.replicates > 0 {
      facts.append(
        "95 % intervals from \(grouped(options.bootstrap.replicates)) bootstrap replicates, "
          + "seed \(options.bootstrap.seed)")
    }
    let shared =
      rowsSharedWithFit == 0
      ? ""
      : "<p class=\"warning\">\(grouped(rowsSharedWithFit)) of these rows were also used to fit "
        + "the calibration, which therefore looks better than it is.</p>"
    return """
      <h1>Evaluation of <code>\(escaped(model))</code></h1>
      <p class="facts">\(escaped(facts.joined(separator: " · ")))</p>
      \(shared)
      """
  }

  private var tiles: String {
    let metrics: [(String, Metric)] = [
      ("F1", .f1), ("AUPRC", .auprc), ("AUROC", .auroc),
      ("False-positive rate", .falsePositiveRate),
    ]
    let tiles = metrics.map { title, metric in
      let name = sets.count > 1 ? "\(title), average of the sets" : title
      let value = average.values[metric].map { fixed($0) } ?? "–"
      let interval = average.intervals[metric].map { "\(fixed($0.low)) to \(fixed($0.high))" }
      return (title: name, value: value, note: interval ?? "no interval")
    }
    return Page.tiles(tiles)
  }

  private var overview: String {
    var parts = ["<h2>\(sets.count > 1 ? "All sets" : "All metrics")</h2>"]
    if sets.count > 1 || comparison != nil {
      let rows = sets.indices.map { index in
        IntervalPlot.Row(
          name: sets[index].name,
          measurements: [sets[index].measurement]
            + (comparison.map { [$0.baselineSets[index].measurement] } ?? []))
      }
      parts.append(legend + IntervalPlot(rows: rows).figure + "<h3>This model</h3>")
    }
    parts.append(
      MetricTables.measurements(
        "Set", sets.map { ($0.name, $0.measurement) },
        total: sets.count > 1 ? ("Average", average) : nil))
    return parts.joined(separator: "\n")
  }

  /// Which colour is which model; empty with one model.
  private var legend: String {
    guard let comparison else { return "" }
    return """
      <p class="legend"><span><i></i>\(escaped(model))</span>\
      <span><i class="baseline"></i>\(escaped(comparison.baseline))</span></p>
      """
  }

  private var comparisonSection: String? {
    guard let comparison else { return nil }
    var rows = zip(sets, comparison.differences).map { (name: $0.name, values: $1) }
    if sets.count > 1 { rows.append((name: "Average", values: comparison.averageDifferences)) }
    return """
      <h2>Difference to <code>\(escaped(comparison.baseline))</code></h2>
      <p>This model minus the other, on the same bootstrap replicates. p is the probability that \
      this model is not better; nothing is corrected for looking at many figures.</p>
      \(MetricTables.differences("Set", rows))
      """
  }

  private var calibrationSection: String? {
    guard let calibration else { return nil }
    var text = "Scores are taken at temperature \(fixed(calibration.temperature))"
    if let rows = calibration.fittedOn?.rows {
      text += ", fitted on \(grouped(rows)) held-out rows"
    }
    if let fit, let before = fit.errorBefore, let after = fit.errorAfter {
      text += ", whose calibration error went from \(fixed(before)) to \(fixed(after))"
    }
    text += "."
    var table = ""
    if let threshold = calibration.threshold {
      text += " The model's own threshold is \(fixed(threshold, 4))"
      if let rate = calibration.falsePositiveRate {
        text += ", chosen for at most \(percent(rate)) false positives on them"
      }
      text += "; on these sets it gives:"
      table = MetricTables.confusions(
        sets.compactMap { set in calibratedConfusion(set).map { (set.name, $0) } })
    }
    return "<h2>Calibration of the model</h2><p>\(escaped(text))</p>\(table)"
  }

  private var evasionSection: String? {
    guard let evasion else { return nil }
    let columns = evasion.sets + (evasion.sets.count > 1 ? [evasion.total] : [])
    let rows = Evasion.allCases.map(Optional.some) + [nil]
    return """
      <h2>Texts changed, meaning kept</h2>
      <p>Of the unsafe rows that the model flags, how many it lets pass once they are changed in \
      ways that people read over; at most some rows of each set, by seed \(evasion.seed).</p>
      \(MetricTables.rates(
        ["Change"] + columns.map { "\($0.set) (\(grouped($0.attacked)) rows)" },
        rows.map { change in
          (change.map { "\($0.rawValue): \($0.summary)" } ?? "any of them",
            columns.map { $0.rate(change) })
        }))
      """
  }

  private var costSection: String? {
    guard let cost else { return nil }
    return "<h2>Cost</h2>" + MetricTables.texts(CostReport.columns, cost.rows(model))
      + cost.notes.map { "<p>\(escaped($0))</p>" }.joined()
  }

  private func setSection(_ index: Int) -> String {
    let set = sets[index]
    let share = Double(set.measurement.positives) / Double(max(1, set.measurement.rows))
    var facts =
      "\(grouped(set.measurement.rows)) rows, \(percent(share)) of them unsafe; "
      + "\(grouped(set.tokens)) tokens judged"
    if set.windowedRows > 0 { facts += ", \(grouped(set.windowedRows)) rows in several windows" }
    let plots = SetPlots(
      set: set, baseline: comparison?.baselineSets[index], threshold: options.threshold)
    var parts = [
      "<h2>\(escaped(set.name))</h2>", "<p class=\"facts\">\(facts)</p>", legend, plots.figures,
    ]
    if !set.sources.isEmpty {
      parts.append("<h3>By source</h3>")
      parts.append(
        MetricTables.measurements("Source", set.sources.map { ($0.name, $0.measurement) }))
    }
    if let first = set.categories.first {
      parts.append("<h3>By category of the model</h3>")
      parts.append(
        "<p class=\"facts\">A category's probability takes the place of the score; positives are "
          + (first.hasTruth ? "the rows of the category.</p>" : "all unsafe rows.</p>"))
      parts.append(
        MetricTables.measurements(
          "Category", set.categories.map { ($0.name, $0.measurement) }))
    }
    if set.lengths.count > 1 {
      parts.append("<h3>By length</h3>")
      parts.append(
        MetricTables.measurements("Tokens", set.lengths.map { ($0.name, $0.measurement) }))
    }
    return parts.joined(separator: "\n")
  }

  private var notes: String {
    """
    <h2>How to read this</h2>
    <dl>
    <dt>Positive class</dt><dd>Unsafe. Scores of \(fixed(options.threshold, 2)) or more count as \
    flagged. A figure that a set does not define, as without rows of one class, is a dash.</dd>
    <dt>AUPRC</dt><dd>Average precision, without interpolation; equal scores count together.</dd>
    <dt>False positives</dt><dd>The share of safe rows that are flagged.</dd>
    <dt>Recall at 1 % FP</dt><dd>The largest recall of any threshold that flags at most 1 % of the \
    safe rows.</dd>
    <dt>Calibration error</dt><dd>Mean distance of score and share of unsafe rows over \
    \(ScoreTally.reliabilityBinCount) bins of equal width. Dots in the chart grow with their \
    rows.</dd>
    <dt>Intervals</dt><dd>The middle 95 % of bootstrap replicates that draw rows of each class \
    with replacement, so each keeps the set's share of unsafe rows.</dd>
    <dt>Average</dt><dd>The unweighted mean over the sets.</dd>
    </dl>
    """
  }
}
