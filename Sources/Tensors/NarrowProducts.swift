import CKernels

/// One side of a product: the floats that are multiplied along `inputs`.
@unsafe struct ProductOperand: @unchecked Sendable {
  // @unchecked Sendable: as its block.

  let block: Block
  /// The block is (inputs, rows), instead of (rows, inputs).
  let isTransposed: Bool

  /// Each row of the block is one of the product, or of its other side.
  static func rows(_ block: Block) -> ProductOperand {
    unsafe ProductOperand(block: block, isTransposed: false)
  }

  /// Each column is.
  static func columns(_ block: Block) -> ProductOperand {
    unsafe ProductOperand(block: block, isTransposed: true)
  }

  var count: Int { unsafe isTransposed ? block.columns : block.rows }
  var inputs: Int { unsafe isTransposed ? block.rows : block.columns }

  /// Some of its rows.
  func part(_ range: Range<Int>) -> Block {
    unsafe isTransposed
      ? block.part(rows: 0..<block.rows, columns: range)
      : block.part(rows: range, columns: 0..<block.columns)
  }
}

/// Memory for products of 16-bit floats whose operands are both packed for one product only, as
/// those of training are, which change all the time.
@safe final class NarrowProducts: @unchecked Sendable {
  // @unchecked Sendable: one thread at a time drives training.

  private let level: ProductLevel
  private var rows = Matrix(rows: 0, columns: 0)
  private var panels = Matrix(rows: 0, columns: 0)

  init(level: ProductLevel?) {
    precondition(level?.runs(.bf16) ?? true, "the processor lacks the instructions")
    self.level = level ?? .fastest(for: .bf16)
  }

  /// target (rows, columns) = or += left · right, where both have as many inputs; `finish` gets
  /// each tile when it is done, and its columns.
  func multiply(
    _ left: ProductOperand, _ right: ProductOperand, into target: Block, adds: Bool,
    on pool: WorkerPool, finish: @Sendable (Block, Range<Int>) -> Void
  ) {
    let inputs = unsafe PackedRow.inputs(left.inputs)
    let (rowParts, panelCount) = unsafe (
      PackedRow.panels(left.count), PackedRow.panels(right.count)
    )
    let packed = unsafe PackedOperands(
      rows: Self.memory(&rows, halves: rowParts * PackedRow.panel * inputs),
      panels: Self.memory(&panels, halves: panelCount * PackedRow.panel * inputs), inputs: inputs)
    pool.parallelFor(rowParts + panelCount) { index, _ in
      if index < rowParts {
        unsafe packed.packRows(left, part: index)
      } else {
        unsafe packed.packPanel(right, index - rowParts)
      }
    }
    let grid = unsafe TileGrid(
      rows: left.count, columns: right.count, workers: pool.workers, columnStep: PackedRow.panel)
    let kernel = level.kernel
    pool.parallelFor(grid.count) { index, _ in
      let (rows, columns) = grid.tile(index)
      let tile = unsafe target.part(rows: rows, columns: columns)
      for column in stride(from: columns.lowerBound, to: columns.upperBound, by: PackedRow.panel) {
        var output = unsafe product_output(
          values: target.base + rows.lowerBound * target.stride + column, stride: target.stride,
          columns: min(PackedRow.panel, columns.upperBound - column), bias: nil,
          finish: PRODUCT_SUM, adds: adds ? 1 : 0)
        unsafe kernel_product_bfloat(
          kernel, packed.row(rows.lowerBound), rows.count, inputs,
          packed.panel(column / PackedRow.panel), &output)
      }
      unsafe finish(tile, columns)
    }
  }

  private static func memory(
    _ matrix: inout Matrix, halves: Int
  ) -> UnsafeMutablePointer<UInt16> {
    if halves / 2 > matrix.columns { matrix = Matrix(rows: 1, columns: halves / 2) }
    return unsafe UnsafeMutableRawPointer(matrix.mutableBlock(rows: 0..<1).base)
      .assumingMemoryBound(to: UInt16.self)
  }
}

/// Where the operands of one product are packed.
@unsafe private struct PackedOperands: @unchecked Sendable {
  // @unchecked Sendable: iterations write disjoint rows and panels, which are read when all are
  // written.

  let rows: UnsafeMutablePointer<UInt16>
  let panels: UnsafeMutablePointer<UInt16>
  /// Of a packed row.
  let inputs: Int

  /// From one packed row on.
  func row(_ index: Int) -> UnsafeMutablePointer<UInt16> { unsafe rows + index * inputs }

  func panel(_ index: Int) -> UnsafeMutablePointer<UInt16> {
    unsafe panels + index * PackedRow.panel * inputs
  }

  /// Packs as many rows of the left side as a panel has.
  func packRows(_ operand: ProductOperand, part index: Int) {
    let (part, first) = unsafe (operand.panel(index), row(index * PackedRow.panel))
    if unsafe operand.isTransposed {
      unsafe kernel_columns_to_bfloat(part.base, part.stride, part.rows, part.columns, first)
    } else {
      unsafe kernel_rows_to_bfloat(part.base, part.stride, part.rows, part.columns, first)
    }
  }

  /// Packs a panel of the right side.
  func packPanel(_ operand: ProductOperand, _ index: Int) {
    let part = unsafe operand.panel(index)
    if unsafe operand.isTransposed {
      unsafe kernel_panel_of_columns(
        part.base, part.stride, part.rows, part.columns, panel(index))
    } else {
      unsafe kernel_pack_bfloat(part.base, part.stride, part.rows, part.columns, panel(index))
    }
  }
}

extension ProductOperand {
  /// As many rows as a panel has, the last time fewer.
  fileprivate func panel(_ index: Int) -> Block {
    let first = index * PackedRow.panel
    return unsafe part(first..<min(first + PackedRow.panel, count))
  }
}
