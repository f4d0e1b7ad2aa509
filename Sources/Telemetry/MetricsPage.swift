/// Builds one page of the Prometheus text format, version 0.0.4.
package struct MetricsPage: Sendable {
  /// The page so far.
  package private(set) var text = ""

  package init() {}

  /// A total that only grows.
  package mutating func counter(
    _ name: String, _ help: String, _ samples: [(labels: [(String, String)], value: Double)]
  ) {
    family(name, help, type: "counter", samples)
  }

  /// A value that goes up and down.
  package mutating func gauge(
    _ name: String, _ help: String, _ samples: [(labels: [(String, String)], value: Double)]
  ) {
    family(name, help, type: "gauge", samples)
  }

  /// A counter without labels.
  package mutating func counter(_ name: String, _ help: String, _ value: Int) {
    counter(name, help, [(labels: [], value: Double(value))])
  }

  /// A gauge without labels.
  package mutating func gauge(_ name: String, _ help: String, _ value: Double) {
    gauge(name, help, [(labels: [], value: value)])
  }

  /// Latencies as a summary in seconds.
  package mutating func summary(_ name: String, _ help: String, _ histogram: LatencyHistogram) {
    header(name, help, type: "summary")
    for quantile in [0.5, 0.9, 0.99, 0.999] {
      let seconds = Double(histogram.percentile(quantile * 100)) / 1e6
      sample(name, [("quantile", String(quantile))], seconds)
    }
    sample(name + "_sum", [], Double(histogram.totalMicroseconds) / 1e6)
    sample(name + "_count", [], Double(histogram.count))
  }

  /// Counts in buckets; `bounds` are the buckets' upper limits, the last count is for all above.
  package mutating func histogram(
    _ name: String, _ help: String, bounds: [Double], counts: [Int], sum: Double
  ) {
    precondition(counts.count == bounds.count + 1, "one count for each bound and one above")
    header(name, help, type: "histogram")
    var total = 0
    for (bound, count) in zip(bounds, counts) {
      total += count
      sample(name + "_bucket", [("le", Self.format(bound))], Double(total))
    }
    total += counts[bounds.count]
    sample(name + "_bucket", [("le", "+Inf")], Double(total))
    sample(name + "_sum", [], sum)
    sample(name + "_count", [], Double(total))
  }

  private mutating func family(
    _ name: String, _ help: String, type: String,
    _ samples: [(labels: [(String, String)], value: Double)]
  ) {
    header(name, help, type: type)
    for (labels, value) in samples { sample(name, labels, value) }
  }

  private mutating func header(_ name: String, _ help: String, type: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
    let pairs = labels.map { "\($0.0)=\"\(Self.escape($0.1))\"" }.joined(separator: ",")
    text += labels.isEmpty ? name : "\(name){\(pairs)}"
    text += " \(Self.format(value))\n"
  }

  private static func format(_ value: Double) -> String {
    if let whole = Int64(exactly: value) { String(whole) } else { String(value) }
  }

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
