import CKernels

/// The relative tables of one layer for attention that multiplies 16-bit floats.
struct PackedTables: Sendable {
  let keys: PackedTable?
  let queries: PackedTable?
  /// What multiplies.
  let level: ProductLevel
}

/// A relative table (slots, hidden) in the order in which products read it: for each head panels of
/// 64 slots.
@safe final class PackedTable: @unchecked Sendable {
  // @unchecked Sendable: nobody writes the memory after `init`.

  /// Panels of one head.
  private let panels: Int
  private let panelSize: Int
  private let memory: UnsafeMutablePointer<UInt16>

  init(_ table: Parameter, heads: Int, on pool: WorkerPool) {
    let headSize = table.columns / heads
    panels = PackedRow.panels(table.rows)
    panelSize = PackedRow.panel * PackedRow.inputs(headSize)
    unsafe memory = UnsafeMutableRawPointer.allocate(
      byteCount: 2 * heads * panels * panelSize, alignment: 64
    ).assumingMemoryBound(to: UInt16.self)
    let block = unsafe table.block
    pool.parallelFor(heads * panels) { index, _ in
      let (head, panel) = (index / panels, index % panels)
      let first = panel * PackedRow.panel
      let part = unsafe block.part(
        rows: first..<min(first + PackedRow.panel, block.rows),
        columns: head * headSize..<(head + 1) * headSize)
      unsafe kernel_pack_bfloat(
        part.base, part.stride, part.rows, part.columns, memory + index * panelSize)
    }
  }

  deinit { unsafe memory.deallocate() }

  /// One head's panel, that of slots from `panel` times 64 on.
  func panel(_ panel: Int, head: Int) -> UnsafePointer<UInt16> {
    unsafe UnsafePointer(memory + (head * panels + panel) * panelSize)
  }
}

/// Sizes of packed rows and panels of 16-bit floats.
enum PackedRow {
  static let panel = Int(KERNEL_PANEL)

  /// Panels that hold so many rows.
  static func panels(_ rows: Int) -> Int { (rows + panel - 1) / panel }

  /// Places of so many inputs.
  static func inputs(_ count: Int) -> Int { kernel_padded_inputs(PRODUCT_BFLOAT, count) }
}
