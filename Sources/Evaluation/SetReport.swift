package import Metrics
internal import Records

/// The measurements of one dataset: as a whole, by source and by length.
package struct SetReport: Sendable {
  package let name: String
  package let measurement: Measurement
  /// The bootstrap behind the intervals, for averages and comparisons.
  package let replicates: ReplicateValues
  /// The scores, for curves.
  package let tally: ScoreTally
  /// Token ids judged.
  package let tokens: Int
  /// Rows that were judged in more than one window.
  package let windowedRows: Int
  /// By source, the one with the most rows first; empty when there is only one.
  package let sources: [Slice]
  /// By token ids judged, the shortest first.
  package let lengths: [Slice]
  /// By unsafe label of the model, in its order; empty for a model without categories.
  package let categories: [CategorySlice]
  /// The class of each row, by which two reports on the same rows are known.
  let classes: [Bool]

  /// Some rows of a dataset.
  package struct Slice: Sendable {
    package let name: String
    package let measurement: Measurement
  }

  /// How one category of the model fares: its probability takes the place of the score.
  package struct CategorySlice: Sendable {
    package let name: String
    /// Rows in which it reaches the threshold.
    package let flagged: Int
    /// Whether the rows say which categories they belong to; where none does, positives are the
    /// unsafe rows.
    package let hasTruth: Bool
    package let measurement: Measurement
  }

  /// Sources with a slice of their own; the rest share one.
  package static let sourcesMax = 40
  /// Categories with a slice; the rest have none.
  package static let categoriesMax = 40
  /// The upper ends, in token ids, of the slices by length; one more slice has no end.
  package static let lengthEnds = [32, 64, 128, 256, 512]

  /// - Parameter index: the set's place among those evaluated together, which gives it draws of its
  ///   own; the same for both models of a comparison.
  package init(
    _ set: ScoredSet, options: MeasurementOptions, index: Int
  ) throws(EvaluationFailure) {
    name = set.name
    var measurer = SliceMeasurer(options: options, stream: UInt64(index) << 16, name: set.name)
    let whole = try measurer.measure(set.rows)
    (measurement, replicates, tally) = (whole.measurement, whole.replicates, whole.tally)
    tokens = set.rows.reduce(0) { $0 + $1.tokens }
    windowedRows = set.rows.count { $0.windows > 1 }
    classes = set.rows.map(\.isUnsafe)
    var sources: [Slice] = []
    for (name, rows) in Self.bySource(set.rows) {
      sources.append(Slice(name: name, measurement: try measurer.measure(rows).measurement))
    }
    var lengths: [Slice] = []
    for (name, rows) in Self.byLength(set.rows) {
      lengths.append(Slice(name: name, measurement: try measurer.measure(rows).measurement))
    }
    (self.sources, self.lengths) = (sources, lengths)
    categories = try Self.categories(set.rows, options, &measurer)
  }

  private static func categories(
    _ rows: [ScoredRow], _ options: MeasurementOptions, _ measurer: inout SliceMeasurer
  ) throws(EvaluationFailure) -> [CategorySlice] {
    guard let scheme = rows.first?.categories?.scheme else { return [] }
    let told = rows.filter { $0.trueCategories != nil }
    var slices: [CategorySlice] = []
    for label in scheme.unsafe.prefix(categoriesMax) {
      let name = scheme.names[label]
      let scored = (told.isEmpty ? rows : told).map { row in
        let probability = Double(row.categories?.probabilities[label] ?? 0)
        return ScoredRow(
          margin: row.margin, score: probability,
          isUnsafe: row.trueCategories?.contains(name) ?? row.isUnsafe)
      }
      let measured = try measurer.measure(scored)
      let flagged = measured.tally.confusion(threshold: options.threshold).flagged
      slices.append(
        CategorySlice(
          name: name, flagged: Int(flagged), hasTruth: !told.isEmpty,
          measurement: measured.measurement))
    }
    return slices
  }

  private static func bySource(_ rows: [ScoredRow]) -> [(name: String, rows: [ScoredRow])] {
    let groups = Dictionary(grouping: rows, by: \.source)
      .sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
    guard groups.count > 1 else { return [] }
    var slices = groups.prefix(sourcesMax).map { (name: $0.key, rows: $0.value) }
    let rest = groups.dropFirst(sourcesMax).flatMap(\.value)
    if !rest.isEmpty { slices.append((name: "all other sources", rows: rest)) }
    return slices
  }

  private static func byLength(_ rows: [ScoredRow]) -> [(name: String, rows: [ScoredRow])] {
    let groups = Dictionary(grouping: rows) { row in
      lengthEnds.firstIndex { row.tokens <= $0 } ?? lengthEnds.count
    }
    return groups.sorted { $0.key < $1.key }.map { index, rows in
      let start = index == 0 ? 1 : lengthEnds[index - 1] + 1
      let name = index < lengthEnds.count ? "\(start)–\(lengthEnds[index])" : "\(start) or more"
      return (name, rows)
    }
  }
}

/// Measures slices one after the other, each with draws of its own.
private struct SliceMeasurer {
  let options: MeasurementOptions
  var stream: UInt64
  let name: String

  mutating func measure(
    _ rows: [ScoredRow]
  ) throws(EvaluationFailure) -> (
    measurement: Measurement, replicates: ReplicateValues, tally: ScoreTally
  ) {
    let ranked: RankedScores
    do throws(MetricsError) {
      ranked = try RankedScores(scores: rows.map(\.score), isUnsafe: rows.map(\.isUnsafe))
    } catch {
      throw .unsuitable("\(name): \(error)")
    }
    let replicates = options.bootstrap.measure(
      ranked, threshold: options.threshold, stream: stream)
    stream += 1
    let measurement = Measurement(
      ranked, rows: rows, replicates: replicates, threshold: options.threshold)
    return (measurement, replicates, ranked.tally)
  }
}
