internal import Metrics
internal import Presentation

/// Tables of metrics in HTML.
enum MetricTables {
  private static let columns: [(title: String, metric: Metric)] = [
    ("F1", .f1), ("AUPRC", .auprc), ("AUROC", .auroc), ("Precision", .precision),
    ("Recall", .recall), ("False positives", .falsePositiveRate),
    ("Recall at 1 % FP", .recallAt1PercentFalsePositives),
    ("Recall at 5 % FP", .recallAt5PercentFalsePositives),
    ("Calibration error", .expectedCalibrationError),
  ]

  /// A row for each name with all its metrics.
  ///
  /// - Parameters:
  ///   - title: the head of the column of names.
  ///   - total: a last row that stands apart.
  static func measurements(
    _ title: String, _ rows: [(name: String, measurement: Measurement)],
    total: (name: String, measurement: Measurement)? = nil
  ) -> String {
    let head = [title, "Rows", "Unsafe"] + columns.map(\.title)
    var lines = rows.map { "<tr>\(cells($0.name, $0.measurement))</tr>" }
    if let total {
      lines.append("<tr class=\"total\">\(cells(total.name, total.measurement))</tr>")
    }
    return table(head, lines)
  }

  /// A row for each name with the differences of all metrics.
  static func differences(
    _ title: String, _ rows: [(name: String, values: [Metric: PairedDifference])]
  ) -> String {
    let lines = rows.map { row in
      let cells = columns.map { column in difference(column.metric, row.values[column.metric]) }
      return "<tr><th scope=\"row\">\(escaped(row.name))</th>\(cells.joined())</tr>"
    }
    return table([title] + columns.map(\.title), lines)
  }

  /// What the model's own threshold does on each set.
  static func confusions(_ rows: [(name: String, confusion: Confusion)]) -> String {
    let lines = rows.map { row in
      let figures = [
        row.confusion.f1, row.confusion.precision, row.confusion.recall,
        row.confusion.falsePositiveRate,
      ]
      let cells = figures.map { "<td>\($0.map { fixed($0) } ?? "–")</td>" }
      return "<tr><th scope=\"row\">\(escaped(row.name))</th>\(cells.joined())</tr>"
    }
    return table(["Set", "F1", "Precision", "Recall", "False positives"], lines)
  }

  /// A row for each name with shares and their intervals.
  static func rates(
    _ head: [String],
    _ rows: [(name: String, rates: [(value: Double, interval: ConfidenceInterval)?])]
  ) -> String {
    let lines = rows.map { row in
      let cells = row.rates.map { rate -> String in
        guard let rate else { return "<td>–</td>" }
        let interval = "\(percent(rate.interval.low)) to \(percent(rate.interval.high))"
        return "<td>\(percent(rate.value))<small>\(interval)</small></td>"
      }
      return "<tr><th scope=\"row\">\(escaped(row.name))</th>\(cells.joined())</tr>"
    }
    return table(head, lines)
  }

  /// A table of texts, the first of each row its name.
  static func texts(_ head: [String], _ rows: [[String]]) -> String {
    let lines = rows.map { row in
      let cells = row.dropFirst().map { "<td>\(escaped($0))</td>" }.joined()
      return "<tr><th scope=\"row\">\(escaped(row.first ?? ""))</th>\(cells)</tr>"
    }
    return table(head, lines)
  }

  private static func cells(_ name: String, _ measurement: Measurement) -> String {
    let figures = columns.map { column -> String in
      guard let value = measurement.values[column.metric] else { return "<td>–</td>" }
      guard let interval = measurement.intervals[column.metric] else {
        return "<td>\(fixed(value))</td>"
      }
      return "<td>\(fixed(value))<small>\(fixed(interval.low))–\(fixed(interval.high))</small></td>"
    }
    return "<th scope=\"row\">\(escaped(name))</th><td>\(grouped(measurement.rows))</td>"
      + "<td>\(grouped(measurement.positives))</td>\(figures.joined())"
  }

  private static func difference(_ metric: Metric, _ difference: PairedDifference?) -> String {
    guard let difference else { return "<td>–</td>" }
    var text = signed(difference.difference)
    var style = ""
    if let interval = difference.interval {
      text += "<small>\(signed(interval.low)) to \(signed(interval.high))</small>"
      let isHigher = interval.low > 0
      if isHigher || interval.high < 0 {
        let isBetter = isHigher == metric.isBetterWhenHigher
        style = isBetter ? " class=\"better\"" : " class=\"worse\""
        text += "<small>\(isBetter ? "better" : "worse")</small>"
      } else {
        text += "<small>no clear difference</small>"
      }
    }
    if let pValue = difference.pValue { text += "<small>p \(fixed(pValue))</small>" }
    return "<td\(style)>\(text)</td>"
  }

  private static func table(_ head: [String], _ rows: [String]) -> String {
    Page.table(head: head, rows: rows)
  }
}
