/// Byte strings with a number each, walked byte by byte.
///
/// Nodes stand in the order of their depth, so that a node's children are neighbours, sorted by
/// the byte that leads to them.
struct ByteTrie: Sendable {
  /// The node of the empty string.
  static let root = 0

  private var labels: [UInt8] = [0]
  /// Where the children of each node begin; those of the next node end them.
  private var childStarts: [Int32] = []
  private var values: [Int32] = [-1]
  /// The root's children by their byte, 0 for none: every walk begins there.
  private var rootChildren = [Int32](repeating: 0, count: 256)

  /// - Precondition: no key is there twice, no value is negative.
  init(_ entries: [(key: [UInt8], value: Int32)]) {
    let sorted = entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    // The keys below each node, and how long its own is.
    var keys = [0..<sorted.count]
    var depths = [0]
    var node = 0
    while node < keys.count {
      childStarts.append(Int32(keys.count))
      var rest = keys[node]
      let depth = depths[node]
      if let first = rest.first, sorted[first].key.count == depth {
        values[node] = sorted[first].value
        rest = first + 1..<rest.upperBound
      }
      while let first = rest.first {
        let byte = sorted[first].key[depth]
        let end = rest.first { sorted[$0].key[depth] != byte } ?? rest.upperBound
        if node == Self.root { rootChildren[Int(byte)] = Int32(keys.count) }
        keys.append(first..<end)
        depths.append(depth + 1)
        labels.append(byte)
        values.append(-1)
        rest = end..<rest.upperBound
      }
      node += 1
    }
    childStarts.append(Int32(keys.count))
  }

  /// Whether there is any key but the empty one.
  var isEmpty: Bool { labels.count == 1 }

  /// The number of the key that ends at a node; nil where none does.
  func value(at node: Int) -> Int32? {
    let value = values[node]
    return value < 0 ? nil : value
  }

  /// The node that a byte leads to; nil where no key goes on with it.
  func child(of node: Int, _ byte: UInt8) -> Int? {
    if node == Self.root {
      let child = Int(rootChildren[Int(byte)])
      return child == 0 ? nil : child
    }
    var low = Int(childStarts[node])
    var high = Int(childStarts[node + 1])
    while low < high {
      let middle = (low + high) / 2
      if labels[middle] < byte { low = middle + 1 } else { high = middle }
    }
    return low < Int(childStarts[node + 1]) && labels[low] == byte ? low : nil
  }

  /// The longest key that the text has at a place, with where it ends; never the empty one.
  func longestMatch(in text: Span<UInt8>, at start: Int) -> (value: Int32, end: Int)? {
    var match: (value: Int32, end: Int)?
    var node = Self.root
    var end = start
    while end < text.count, let child = child(of: node, text[end]) {
      node = child
      end += 1
      if let value = value(at: node) { match = (value, end) }
    }
    return match
  }
}
