import CKernels

/// One run of consecutive queries that attend to all keys of their sequence.
package struct AttentionItem: Sendable {
  /// Row of the first query in the matrix of queries, and of its result.
  package let queryRow: Int
  /// Position of the first query in its sequence.
  package let queryPosition: Int
  /// Queries.
  package let queries: Int
  /// Row of the sequence's first key and value.
  package let keyRow: Int
  /// Keys, which is the sequence's length.
  package let keys: Int
  /// Row of the sequence's first key where each sequence begins with a panel, for attention with
  /// packed tables.
  package let packedRow: Int

  /// A run of at most `AttentionItem.queriesMax` queries.
  package init(
    queryRow: Int, queryPosition: Int, queries: Int, keyRow: Int, keys: Int, packedRow: Int = 0
  ) {
    precondition(queries <= AttentionItem.queriesMax, "too many queries for one item")
    precondition(queryPosition + queries <= keys, "a query is also a key")
    self.queryRow = queryRow
    self.queryPosition = queryPosition
    self.queries = queries
    self.keyRow = keyRow
    self.keys = keys
    self.packedRow = packedRow
  }

  /// Rows up to the first of the next sequence, where each begins with a panel.
  package static func packedRows(_ keys: Int) -> Int { PackedRow.panels(keys) * PackedRow.panel }

  /// Rows of the queries.
  var queryRows: Range<Int> { queryRow..<queryRow + queries }

  /// Rows of the sequence's keys and values.
  var keyRows: Range<Int> { keyRow..<keyRow + keys }

  /// Queries of one item at most: enough for efficient products, and one item's scores of 512 keys
  /// stay in the second-level cache.
  package static let queriesMax = 128
}

/// What one layer adds to attention scores for the distance between query and key, and so how it
/// multiplies.
package struct RelativeTables: Sendable {
  /// How the tables are kept, and what attention multiplies.
  enum Contents: Sendable {
    case floats(keys: Parameter?, queries: Parameter?)
    case packed(PackedTables)
  }

  let contents: Contents

  /// Both tables, already projected.
  ///
  /// - Parameters:
  ///   - keys: keys of the relative positions (slots, hidden), nil without the content-to-position
  ///     term.
  ///   - queries: queries of the relative positions (slots, hidden), nil without
  ///     position-to-content.
  package init(keys: Parameter?, queries: Parameter?) {
    contents = .floats(keys: keys, queries: queries)
  }

  private init(_ contents: Contents) { self.contents = contents }

  /// Keys of the relative positions, of tables that are not packed.
  package var keys: Parameter? { floats.keys }

  /// Queries of the relative positions, of tables that are not packed.
  package var queries: Parameter? { floats.queries }

  private var floats: (keys: Parameter?, queries: Parameter?) {
    guard case .floats(let keys, let queries) = contents else {
      preconditionFailure("packed tables have no floats")
    }
    return (keys, queries)
  }

  /// The same for attention that multiplies 16-bit floats, with or without tables.
  ///
  /// - Parameter level: what multiplies; nil for the fastest that this processor has.
  package func packed(
    heads: Int, level: ProductLevel? = nil, on pool: WorkerPool
  ) -> RelativeTables {
    RelativeTables(
      .packed(
        PackedTables(
          keys: keys.map { PackedTable($0, heads: heads, on: pool) },
          queries: queries.map { PackedTable($0, heads: heads, on: pool) },
          level: level ?? .fastest(for: .bf16))))
  }
}

/// The row of the relative tables for each distance (query position - key position).
///
/// Slots must not descend, so that a tile of scores needs one contiguous window of them.
package struct SlotTable: Sendable {
  /// Distances from -reach to +reach are in the table.
  package let reach: Int
  private let slots: [Int32]

  /// Tabulates `slot`, which must be monotone.
  package init(reach: Int, slot: (Int) -> Int) {
    self.reach = reach
    slots = (-reach...reach).map { Int32(slot($0)) }
    for (slot, next) in zip(slots, slots.dropFirst()) {
      precondition(0 <= slot && slot <= next, "slots descend")
    }
  }

  /// The slot of the farthest distance.
  var largest: Int { self[reach] }

  /// The slot of one distance.
  package subscript(distance: Int) -> Int { Int(slots[reach + distance]) }

  /// The address of distance 0's slot, valid while the table lives.
  func withCentre(_ body: (UnsafePointer<Int32>) -> Void) {
    unsafe slots.withUnsafeBufferPointer { slots in
      guard let start = slots.baseAddress else { return }
      unsafe body(start + reach)
    }
  }
}

/// Memory for tiles of scores and relative terms, one part per worker.
package struct AttentionScratch: ~Copyable, Sendable {
  private var matrix = Matrix(rows: 0, columns: 0)

  /// Empty; `reserve` gives it memory.
  package init() {}

  /// Makes room for sequences of `keys` tokens and tables of `slots` rows; a backward pass needs
  /// two tiles of scores.
  package mutating func reserve(workers: Int, keys: Int, slots: Int, tiles: Int = 1) {
    let terms = max(AttentionItem.queriesMax * slots, Tile.keys * Tile.window)
    let columns = tiles * AttentionItem.queriesMax * Tile.stride(keys) + terms
    if columns > matrix.columns || workers > matrix.rows {
      matrix = Matrix(rows: max(workers, matrix.rows), columns: max(columns, matrix.columns))
    }
  }

  var block: Block {
    unsafe Block(reading: matrix.values, columns: matrix.columns)
  }
}

/// Keys whose position-to-content terms are computed together, and the slots that these need.
enum Tile {
  static let gatherByRow =
    kernel_has_512() != 0 ? unsafe kernel_gather_by_row_512 : unsafe kernel_gather_by_row
  static let gatherByColumn =
    kernel_has_512() != 0 ? unsafe kernel_gather_by_column_512 : unsafe kernel_gather_by_column

  static let keys = 64
  static let window = keys + AttentionItem.queriesMax

  /// Floats from one row of scores to the next: an odd number of cache lines, so that a column of
  /// scores is spread over all sets of the first-level cache.
  static func stride(_ keys: Int) -> Int { (keys + 15) / 16 / 2 * 32 + 16 }
}
