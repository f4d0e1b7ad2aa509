internal import Metrics
internal import Presentation

/// The four charts of a set: precision-recall, ROC, calibration and scores by class.
struct SetPlots {
  let set: SetReport
  /// The other model on the same rows, drawn behind.
  let baseline: SetReport?
  let threshold: Double

  /// The charts that the set's classes allow.
  var figures: String {
    var plots: [Plot] = []
    if !set.tally.operatingPoints.isEmpty { plots += [precisionRecall, receiver] }
    plots += [reliability, scores]
    return Page.plots(plots)
  }

  private static let step = 0.004

  private var precisionRecall: Plot {
    var plot = Plot("Precision and recall", x: "recall", y: "precision")
    let share = set.tally.unsafeTotal / (set.tally.unsafeTotal + set.tally.safeTotal)
    plot.line([Plot.Point(x: 0, y: share), Plot.Point(x: 1, y: share)], "reference")
    for (report, style) in curves {
      let points = report.tally.operatingPoints(step: Self.step)
      let start = points.first.map { [Plot.Point(x: 0, y: $0.precision)] } ?? []
      plot.line(start + points.map { Plot.Point(x: $0.recall, y: $0.precision) }, style)
    }
    plot.note("share of unsafe rows", at: Plot.Point(x: 0.012, y: max(0.02, share - 0.05)))
    let confusion = set.tally.confusion(threshold: threshold)
    if let recall = confusion.recall, let precision = confusion.precision {
      plot.dot(
        Plot.Point(x: recall, y: precision), "model",
        hint: "threshold \(fixed(threshold, 2)): precision \(fixed(precision)), recall "
          + fixed(recall))
    }
    return plot
  }

  private var receiver: Plot {
    var plot = Plot("ROC", x: "false-positive rate", y: "recall")
    plot.line([Plot.Point(x: 0, y: 0), Plot.Point(x: 1, y: 1)], "reference")
    for (report, style) in curves {
      let points = report.tally.operatingPoints(step: Self.step)
      plot.line(
        [Plot.Point(x: 0, y: 0)]
          + points.map { Plot.Point(x: $0.falsePositiveRate, y: $0.recall) }, style)
    }
    let confusion = set.tally.confusion(threshold: threshold)
    if let recall = confusion.recall, let rate = confusion.falsePositiveRate {
      plot.dot(
        Plot.Point(x: rate, y: recall), "model",
        hint: "threshold \(fixed(threshold, 2)): recall \(fixed(recall)), false-positive rate "
          + fixed(rate))
    }
    return plot
  }

  private var reliability: Plot {
    var plot = Plot("Calibration", x: "mean score of the bin", y: "share of unsafe rows")
    plot.line([Plot.Point(x: 0, y: 0), Plot.Point(x: 1, y: 1)], "reference")
    plot.note("perfect", at: Plot.Point(x: 0.985, y: 0.86), anchor: "end")
    for (report, style) in curves {
      let bins = report.tally.reliabilityBins
      let total = bins.reduce(0) { $0 + $1.weight }
      let points = bins.compactMap { bin -> (Plot.Point, Double)? in
        guard let mean = bin.meanScore, let share = bin.unsafeShare else { return nil }
        return (Plot.Point(x: mean, y: share), bin.weight)
      }
      plot.line(points.map(\.0), style)
      for (point, weight) in points where style == "model" {
        plot.dot(
          point, radius: 2.5 + 9 * (weight / total).squareRoot(), style,
          hint: "\(grouped(Int(weight))) rows: mean score \(fixed(point.x)), "
            + "unsafe \(fixed(point.y))")
      }
    }
    return plot
  }

  private var scores: Plot {
    var plot = Plot("Scores by class", x: "score", y: "share of the class")
    let bins = set.tally.histogram(bins: 20)
    let totals = (max(1, set.tally.unsafeTotal), max(1, set.tally.safeTotal))
    let heights = bins.map { ($0.unsafeCount / totals.0, $0.safeCount / totals.1) }
    let highest = heights.reduce(0.1) { max($0, $1.0, $1.1) }
    let tick = [0.02, 0.05, 0.1, 0.2, 0.25, 0.5].first { $0 * 3 >= highest } ?? 0.5
    let steps = Int((highest / tick).rounded(.up))
    let end = tick * Double(steps) * 1.08
    plot.yRange = -end...end
    plot.yTicks = (-steps...steps).map { Double($0) * tick }
    plot.yText = { percent(abs($0)) }
    for (index, height) in heights.enumerated() {
      let (start, stop) = (Double(index) / 20, Double(index + 1) / 20)
      let range = "scores \(fixed(start, 2)) to \(fixed(stop, 2))"
      plot.bar(
        Plot.Point(x: start, y: 0), Plot.Point(x: stop, y: height.0), "unsafe",
        hint: "\(range): \(grouped(Int(bins[index].unsafeCount))) unsafe rows")
      plot.bar(
        Plot.Point(x: start, y: 0), Plot.Point(x: stop, y: -height.1), "safe",
        hint: "\(range): \(grouped(Int(bins[index].safeCount))) safe rows")
    }
    plot.line(
      [Plot.Point(x: threshold, y: -end), Plot.Point(x: threshold, y: end)], "reference")
    plot.note("unsafe rows", at: Plot.Point(x: 0.015, y: end * 0.88))
    plot.note("safe rows", at: Plot.Point(x: 0.985, y: -end * 0.94), anchor: "end")
    return plot
  }

  /// The other model first, so that this one is drawn over it.
  private var curves: [(SetReport, String)] {
    (baseline.map { [($0, "baseline")] } ?? []) + [(set, "model")]
  }
}
