/// How a product's output (rows, columns) is cut into tiles for the workers.
package struct TileGrid: Sendable {
  private let rows: Int
  private let columns: Int
  private let rowTiles: Int
  private let columnTiles: Int
  private let columnStep: Int

  /// Tiles in all.
  package var count: Int { rowTiles * columnTiles }

  /// A tile costs the packing of its operands once more, so tiles are large; yet there are a few
  /// per worker where possible, so that none waits long for the last one. Their first columns are
  /// multiples of `columnStep`.
  package init(rows: Int, columns: Int, workers: Int, columnStep: Int = lineFloats) {
    self.columnStep = columnStep
    self.rows = rows
    self.columns = columns
    guard workers > 1 else {
      (rowTiles, columnTiles) = (1, 1)
      return
    }
    rowTiles = max(1, min(workers, rows / TileGrid.rowsLeast))
    let wanted = (workers * TileGrid.tilesPerWorker + rowTiles - 1) / rowTiles
    columnTiles = max(1, min(wanted, columns / TileGrid.columnsLeast))
  }

  /// Rows and columns of a tile; together the tiles cover the output once.
  package func tile(_ index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (row, column) = (index / columnTiles, index % columnTiles)
    return (
      TileGrid.part(row, of: rowTiles, total: rows, step: TileGrid.lineFloats),
      TileGrid.part(column, of: columnTiles, total: columns, step: columnStep)
    )
  }

  /// Floats of a cache line.
  package static let lineFloats = 16
  private static let rowsLeast = 192
  private static let columnsLeast = 64
  private static let tilesPerWorker = 2

  /// Nearly equal parts that begin at multiples of `step`.
  private static func part(_ index: Int, of parts: Int, total: Int, step: Int) -> Range<Int> {
    let steps = (total + step - 1) / step
    let start = min(total, steps * index / parts * step)
    let end = min(total, steps * (index + 1) / parts * step)
    return start..<end
  }
}
