/// Names a chunk of records in the order in which they were read.
package struct ChunkID: Hashable, Sendable {
  let number: Int
}

/// Records read together, to be decoded and tokenized by one worker.
package struct Chunk: Sendable {
  package let id: ChunkID
  package let items: [StreamItem]
}

/// Puts chunks that several workers prepared in parallel back into reading order.
struct ChunkSequencer: Sendable {
  private var nextIssued = 0
  private var nextReleased = 0
  private var waiting: [Int: [PreparedItem]] = [:]

  /// The name for the next chunk.
  mutating func issue() -> ChunkID {
    defer { nextIssued += 1 }
    return ChunkID(number: nextIssued)
  }

  /// Accepts a prepared chunk and returns what is now complete from the front, in order.
  mutating func accept(_ id: ChunkID, _ items: [PreparedItem]) -> [PreparedItem] {
    waiting[id.number] = items
    var released: [PreparedItem] = []
    while let items = waiting.removeValue(forKey: nextReleased) {
      released.append(contentsOf: items)
      nextReleased += 1
    }
    return released
  }

  /// Chunks that were issued and not released yet.
  var outstanding: Int { nextIssued - nextReleased }
}
