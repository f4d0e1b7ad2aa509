/// The scores of rows whose classes are known, sorted once: what every metric and every bootstrap
/// replicate starts from.
package struct RankedScores: Sendable {
  /// What all rows together say.
  package let tally: ScoreTally
  /// For each unsafe row, in the order of the rows: where its score stands in the tally.
  let unsafePlaces: [Int]
  /// The same of the safe rows.
  let safePlaces: [Int]
  /// The weights of the unsafe rows, in their order; nil when every row counts once.
  let unsafeWeights: [Double]?
  /// The same of the safe rows.
  let safeWeights: [Double]?

  /// - Parameters:
  ///   - scores: P(unsafe) of each row, from 0 to 1.
  ///   - isUnsafe: the class of each row.
  ///   - weights: how much each row counts; nil counts every row once.
  package init(
    scores: [Double], isUnsafe: [Bool], weights: [Double]? = nil
  ) throws(MetricsError) {
    guard scores.count == isUnsafe.count, (weights?.count ?? scores.count) == scores.count else {
      throw .countsDiffer
    }
    if let row = scores.firstIndex(where: { !(0...1).contains($0) }) {
      throw .notAProbability(row: row)
    }
    if let row = weights?.firstIndex(where: { !($0 >= 0 && $0 < .infinity) }) {
      throw .invalidWeight(row: row)
    }
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    var places = [Int](repeating: 0, count: scores.count)
    var distinct: [Double] = []
    for row in order {
      if distinct.last != scores[row] { distinct.append(scores[row]) }
      places[row] = distinct.count - 1
    }
    let unsafeRows = isUnsafe.indices.filter { isUnsafe[$0] }
    let safeRows = isUnsafe.indices.filter { !isUnsafe[$0] }
    unsafePlaces = unsafeRows.map { places[$0] }
    safePlaces = safeRows.map { places[$0] }
    unsafeWeights = weights.map { weights in unsafeRows.map { weights[$0] } }
    safeWeights = weights.map { weights in safeRows.map { weights[$0] } }
    var tally = ScoreTally(scores: distinct)
    for (index, place) in unsafePlaces.enumerated() {
      tally.unsafeCounts[place] += unsafeWeights?[index] ?? 1
    }
    for (index, place) in safePlaces.enumerated() {
      tally.safeCounts[place] += safeWeights?[index] ?? 1
    }
    self.tally = tally
  }
}
