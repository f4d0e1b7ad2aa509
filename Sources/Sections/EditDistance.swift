extension String {
  /// How many letters must be added, taken away or changed to turn this into `other` (Levenshtein).
  package func distance(to other: String) -> Int {
    let target = Array(other)
    var previous = Array(0...target.count)
    for (row, letter) in enumerated() {
      var current = [row + 1]
      for (column, targetLetter) in target.enumerated() {
        let change = previous[column] + (letter == targetLetter ? 0 : 1)
        current.append(Swift.min(change, previous[column + 1] + 1, current[column] + 1))
      }
      previous = current
    }
    return previous[target.count]
  }
}
