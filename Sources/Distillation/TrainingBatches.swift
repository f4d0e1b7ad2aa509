/// Cuts sequences into batches that are computed at once.
package enum TrainingBatches {
  /// Tokens that a forward pass without gradients takes at once.
  package static let evaluationTokens = 8192

  /// Groups of indices, shortest sequences first, of at most `tokensMax` tokens each unless one
  /// sequence alone has more.
  package static func cut(lengths: [Int], tokensMax: Int) -> [[Int]] {
    var groups: [[Int]] = []
    var tokens = 0
    for index in lengths.indices.sorted(by: { (lengths[$0], $0) < (lengths[$1], $1) }) {
      if groups.isEmpty || tokens + lengths[index] > tokensMax {
        groups.append([])
        tokens = 0
      }
      groups[groups.count - 1].append(index)
      tokens += lengths[index]
    }
    return groups
  }
}
