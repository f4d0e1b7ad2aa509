import CKernels

/// Memory for attention that multiplies 16-bit floats; it grows with the largest batch.
package struct PackedAttentionMemory: ~Copyable, Sendable {
  /// Keys as rows, by sequence and head.
  private var keyRows = Matrix(rows: 0, columns: 0)
  /// Keys as panels, by sequence and head.
  private var keyPanels = Matrix(rows: 0, columns: 0)
  /// Values as panels whose inputs are the keys, by sequence and head.
  private var valuePanels = Matrix(rows: 0, columns: 0)
  /// Each panel of keys: a run of its sequence, and its first key.
  private(set) var parts: [(item: AttentionItem, key: Int)] = []
  /// A part for each worker.
  private var scratch = Matrix(rows: 0, columns: 0)

  /// Empty.
  package init() {}

  /// Makes room for a batch of `items`, in the order of their sequences.
  mutating func reserve(
    _ items: [AttentionItem], _ heads: PackedHeads, slots: Int, workers: Int
  ) -> PackedSequences {
    guard let last = items.last else { preconditionFailure("no items") }
    let rows = last.packedRow + PackedRow.panels(last.keys) * PackedRow.panel
    let longest = items.reduce(0) { max($0, $1.keys) }
    parts.removeAll(keepingCapacity: true)
    // The first run of each sequence stands for its keys.
    for item in items where item.queryPosition == 0 {
      for key in stride(from: 0, to: item.keys, by: PackedRow.panel) { parts.append((item, key)) }
    }
    let layout = PackedScratch(heads: heads, keys: longest, slots: slots)
    Self.grow(&keyRows, 1, rows * heads.count * heads.inputs / 2)
    Self.grow(&keyPanels, 1, rows * heads.count * heads.inputs / 2)
    Self.grow(&valuePanels, 1, rows * heads.count * heads.valuePanels * PackedRow.panel / 2)
    Self.grow(&scratch, workers, layout.floats)
    return unsafe PackedSequences(
      heads: heads, keyRows: Self.base(&keyRows), keyPanels: Self.base(&keyPanels),
      valuePanels: Self.base(&valuePanels), layout: layout,
      scratch: scratch.mutableBlock(rows: 0..<scratch.rows))
  }

  private static func grow(_ matrix: inout Matrix, _ rows: Int, _ columns: Int) {
    if rows > matrix.rows || columns > matrix.columns {
      matrix = Matrix(rows: max(rows, matrix.rows), columns: max(columns, matrix.columns))
    }
  }

  private static func base(_ matrix: inout Matrix) -> UnsafeMutablePointer<UInt16> {
    unsafe UnsafeMutableRawPointer(matrix.mutableBlock(rows: 0..<1).base)
      .assumingMemoryBound(to: UInt16.self)
  }
}

/// How many heads there are, and how large each of them is.
struct PackedHeads: Sendable {
  let count: Int
  let size: Int

  /// Places of a packed row of one head.
  var inputs: Int { PackedRow.inputs(size) }

  /// Panels of one head's columns.
  var valuePanels: Int { PackedRow.panels(size) }

  /// The columns that a head owns.
  func columns(_ head: Int) -> Range<Int> { head * size..<(head + 1) * size }
}

/// Where in a worker's scratch what lies, in floats from its start.
struct PackedScratch: Sendable {
  /// Query rows of which terms are held at a time.
  static let termRows = 64

  /// From row to row of scores.
  let scoreStride: Int
  /// From row to row of terms.
  let termStride: Int
  let terms: Int
  let queries: Int
  let weights: Int
  let floats: Int

  init(heads: PackedHeads, keys: Int, slots: Int) {
    scoreStride = Tile.stride(keys)
    // A run of queries and a panel of keys meet so many slots, which begin within a panel.
    let met = PackedRow.panels(AttentionItem.queriesMax + 2 * PackedRow.panel) + 1
    termStride = Tile.stride(max(PackedRow.panels(slots), met) * PackedRow.panel)
    terms = AttentionItem.queriesMax * scoreStride
    queries = terms + Self.termRows * termStride
    weights = queries + AttentionItem.queriesMax * heads.inputs / 2
    // On a cache line each.
    let end = weights + AttentionItem.queriesMax * PackedRow.inputs(keys) / 2
    floats = (end + 15) / 16 * 16
  }
}

/// The packed keys and values of a batch.
@unsafe struct PackedSequences: @unchecked Sendable {
  // @unchecked Sendable: blocks of keys and a head write their own rows and panels, which are read
  // when all are written; a worker has its own scratch.

  let heads: PackedHeads
  let keyRows: UnsafeMutablePointer<UInt16>
  let keyPanels: UnsafeMutablePointer<UInt16>
  let valuePanels: UnsafeMutablePointer<UInt16>
  let layout: PackedScratch
  let scratch: Block

  private static let toPanel =
    kernel_has_512() != 0 ? unsafe kernel_panel_of_rows_512 : unsafe kernel_panel_of_rows

  /// A head's keys of one sequence, as rows; from one of them on.
  func rows(_ item: AttentionItem, head: Int, from key: Int) -> UnsafeMutablePointer<UInt16> {
    let keys = PackedRow.panels(item.keys) * PackedRow.panel
    return unsafe keyRows + (item.packedRow * heads.count + head * keys + key) * heads.inputs
  }

  /// The panel of a head's keys from one of them on, the first of a panel.
  func panel(_ item: AttentionItem, head: Int, from key: Int) -> UnsafeMutablePointer<UInt16> {
    let keys = PackedRow.panels(item.keys) * PackedRow.panel
    return unsafe keyPanels + (item.packedRow * heads.count + head * keys + key) * heads.inputs
  }

  /// One panel of a head's values, from the key on that is the first of a panel of keys.
  func values(
    _ item: AttentionItem, head: Int, panel: Int, from key: Int
  ) -> UnsafeMutablePointer<UInt16> {
    let keys = PackedRow.panels(item.keys) * PackedRow.panel
    let before = unsafe (item.packedRow * heads.count + head * keys) * heads.valuePanels
    return unsafe valuePanels + (before + panel * keys + key) * PackedRow.panel
  }

  /// Packs a panel of keys, from `key` of a sequence on, and their values.
  func pack(_ item: AttentionItem, head: Int, from key: Int, keys: Block, values: Block) {
    let own = item.keyRow + key..<item.keyRow + min(key + PackedRow.panel, item.keys)
    let columns = unsafe heads.columns(head)
    let part = unsafe keys.part(rows: own, columns: columns)
    let rows = unsafe rows(item, head: head, from: key)
    unsafe kernel_rows_to_bfloat(part.base, part.stride, part.rows, part.columns, rows)
    unsafe Self.toPanel(
      rows, part.rows, heads.inputs, panel(item, head: head, from: key))
    for index in unsafe 0..<heads.valuePanels {
      let first = columns.lowerBound + index * PackedRow.panel
      let value = unsafe values.part(
        rows: own, columns: first..<min(first + PackedRow.panel, columns.upperBound))
      unsafe kernel_panel_of_columns(
        value.base, value.stride, value.rows, value.columns,
        self.values(item, head: head, panel: index, from: key))
    }
  }
}
