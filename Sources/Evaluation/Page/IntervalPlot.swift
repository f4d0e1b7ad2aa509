internal import Metrics
internal import Presentation

/// One panel per metric, one row per set: values as dots, their intervals as lines.
struct IntervalPlot {
  /// A set's values: the model's, then the other model's.
  struct Row {
    let name: String
    let measurements: [Measurement]
  }

  let rows: [Row]

  private static let metrics: [(title: String, metric: Metric)] = [
    ("F1", .f1), ("AUPRC", .auprc), ("AUROC", .auroc), ("False-positive rate", .falsePositiveRate),
  ]
  private static let rowHeight = 34.0
  private static let panelWidth = 250.0
  private static let gap = 26.0
  private static let nameWidth = 160.0
  private static let namesMax = 24

  /// The whole figure.
  var figure: String {
    let width =
      Self.nameWidth + Double(Self.metrics.count) * (Self.panelWidth + Self.gap)
    let height = 34 + Self.rowHeight * Double(rows.count) + 26
    let names = rows.enumerated().map { index, row in
      "<text class=\"name\" x=\"\(svg(Self.nameWidth - 16))\" y=\"\(svg(middle(index) + 4))\" "
        + "text-anchor=\"end\">\(escaped(Self.shortened(row.name)))</text>"
    }
    let panels = Self.metrics.indices.map(panel)
    return """
      <figure class="wide"><svg viewBox="0 0 \(svg(width)) \(svg(height))" role="img" \
      aria-label="Metrics of each set with their intervals">
      \((names + panels).joined(separator: "\n"))
      </svg></figure>
      """
  }

  private func panel(_ index: Int) -> String {
    let (title, metric) = Self.metrics[index]
    let left = Self.nameWidth + Double(index) * (Self.panelWidth + Self.gap)
    let bottom = 34 + Self.rowHeight * Double(rows.count)
    var parts = [
      "<text class=\"panel\" x=\"\(svg(left))\" y=\"18\">\(escaped(title))</text>"
    ]
    for tick in [0, 0.25, 0.5, 0.75, 1] {
      let x = svg(left + tick * Self.panelWidth)
      parts.append(
        "<line class=\"grid\" x1=\"\(x)\" x2=\"\(x)\" y1=\"30\" y2=\"\(svg(bottom))\"/>"
          + "<text class=\"tick\" x=\"\(x)\" y=\"\(svg(bottom + 16))\" text-anchor=\"middle\">"
          + "\(tick == 0 || tick == 1 ? fixed(tick, 0) : fixed(tick, 2))</text>")
    }
    for (number, row) in rows.enumerated() {
      for (place, measurement) in row.measurements.enumerated().reversed() {
        let shift = row.measurements.count == 1 ? 0 : place == 0 ? -6.0 : 6.0
        parts.append(
          mark(
            measurement, metric, left, middle(number) + shift,
            style: place == 0 ? "model" : "baseline"))
      }
    }
    return parts.joined(separator: "\n")
  }

  private func mark(
    _ measurement: Measurement, _ metric: Metric, _ left: Double, _ y: Double, style: String
  ) -> String {
    guard let value = measurement.values[metric] else { return "" }
    var hint = fixed(value)
    var text = ""
    if let interval = measurement.intervals[metric] {
      hint += " (\(fixed(interval.low)) to \(fixed(interval.high)))"
      text =
        "<line class=\"whisker \(style)\" x1=\"\(svg(left + interval.low * Self.panelWidth))\" "
        + "x2=\"\(svg(left + interval.high * Self.panelWidth))\" "
        + "y1=\"\(svg(y))\" y2=\"\(svg(y))\"/>"
    }
    return text
      + "<circle class=\"dot \(style)\" cx=\"\(svg(left + value * Self.panelWidth))\" "
      + "cy=\"\(svg(y))\" r=\"5\"><title>\(hint)</title></circle>"
  }

  private func middle(_ row: Int) -> Double { 30 + Self.rowHeight * (Double(row) + 0.5) }

  private static func shortened(_ name: String) -> String {
    name.count <= namesMax ? name : name.prefix(namesMax - 1) + "…"
  }
}
