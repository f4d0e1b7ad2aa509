/// Metrics of one moment, as Prometheus reads them.
package struct MetricsPage: Sendable {
  /// How a page is written.
  package enum Format: Sendable {
    /// The Prometheus text format, version 0.0.4.
    case prometheus
    /// OpenMetrics, version 1.0.0.
    case openMetrics

    /// The best of the formats that a client accepts, by its `Accept` header; nothing is the older
    /// one.
    package init(accepting header: String?) {
      self = header?.contains("application/openmetrics-text") == true ? .openMetrics : .prometheus
    }

    package var contentType: String {
      switch self {
      case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
      case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
      }
    }
  }

  /// One sample of a family.
  package typealias Sample = (labels: [(String, String)], value: Double)

  private enum Kind: String {
    case counter, gauge, histogram
  }

  private struct Line {
    var suffix = ""
    let labels: [(String, String)]
    let value: Double
  }

  private struct Family {
    let name: String
    let help: String
    let kind: Kind
    var lines: [Line]
  }

  private var families: [Family] = []

  package init() {}

  /// A page that begins with what program it is of.
  package init(version: String) {
    gauge("sluice_build_info", "The program.", [([("version", version)], 1)])
  }

  // MARK: - Adding

  /// A total that only grows; its name ends in `_total`.
  package mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) {
    precondition(name.hasSuffix(Self.counterSuffix), "OpenMetrics wants it so")
    add(name, help, .counter, samples)
  }

  /// A value that goes up and down.
  package mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
    add(name, help, .gauge, samples)
  }

  /// A counter without labels.
  package mutating func counter(_ name: String, _ help: String, _ value: Int) {
    counter(name, help, [(labels: [], value: Double(value))])
  }

  /// A gauge without labels.
  package mutating func gauge(_ name: String, _ help: String, _ value: Double) {
    gauge(name, help, [(labels: [], value: value)])
  }

  /// Durations in seconds, counted in buckets.
  package mutating func histogram(_ name: String, _ help: String, _ durations: LatencyHistogram) {
    histogram(
      name, help,
      [([], BucketCounts(durations.counts(upTo: Self.secondsBounds), durations.totalSeconds))],
      bounds: Self.secondsBounds)
  }

  /// Counts in buckets; `bounds` are the buckets' upper limits.
  package mutating func histogram(
    _ name: String, _ help: String,
    _ samples: [(labels: [(String, String)], buckets: BucketCounts)], bounds: [Double]
  ) {
    var lines: [Line] = []
    for (labels, buckets) in samples {
      precondition(buckets.counts.count == bounds.count + 1, "one for each bound and one above")
      var total = 0
      for (bound, count) in zip(bounds.map(Self.bound) + ["+Inf"], buckets.counts) {
        total += count
        lines.append(
          Line(suffix: "_bucket", labels: labels + [("le", bound)], value: Double(total)))
      }
      lines.append(Line(suffix: "_sum", labels: labels, value: buckets.sum))
      lines.append(Line(suffix: "_count", labels: labels, value: Double(total)))
    }
    families.append(Family(name: name, help: help, kind: .histogram, lines: lines))
  }

  private mutating func add(_ name: String, _ help: String, _ kind: Kind, _ samples: [Sample]) {
    let lines = samples.map { Line(labels: $0.labels, value: $0.value) }
    families.append(Family(name: name, help: help, kind: kind, lines: lines))
  }

  /// From a millisecond, which no stream undercuts, to a minute.
  package static let secondsBounds = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
  ]
  private static let counterSuffix = "_total"

  // MARK: - Writing

  /// The page in a format.
  package func text(_ format: Format = .prometheus) -> String {
    var text = ""
    for family in families {
      let title =
        format == .openMetrics && family.kind == .counter
        ? String(family.name.dropLast(Self.counterSuffix.count)) : family.name
      let help = family.help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
      text += "# HELP \(title) \(help)\n# TYPE \(title) \(family.kind.rawValue)\n"
      for line in family.lines {
        let pairs = line.labels.map { "\($0.0)=\"\(Self.escape($0.1))\"" }
        text += family.name + line.suffix
        text += pairs.isEmpty ? "" : "{\(pairs.joined(separator: ","))}"
        text += " \(Self.format(line.value))\n"
      }
    }
    return format == .openMetrics ? text + "# EOF\n" : text
  }

  private static func format(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { return String(whole) }
    if value.isNaN { return "NaN" }
    return value.isInfinite ? (value > 0 ? "+Inf" : "-Inf") : String(value)
  }

  /// A bucket's bound, the same in both formats: OpenMetrics wants a decimal point.
  private static func bound(_ value: Double) -> String { String(value) }

  private static func escape(_ text: String) -> String {
    var escaped = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }
}

/// Values counted in buckets: one count for each bound, and one for what lies above the last.
package struct BucketCounts: Hashable, Sendable {
  package var counts: [Int]
  package var sum: Double

  package init(_ counts: [Int], _ sum: Double) {
    self.counts = counts
    self.sum = sum
  }

  /// Nothing counted yet.
  package init(bounds: [Double]) { self.init(Array(repeating: 0, count: bounds.count + 1), 0) }

  /// Counts a value in the first bucket whose bound it does not exceed.
  package mutating func count(_ value: Double, bounds: [Double]) {
    sum += value
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
  }
}
