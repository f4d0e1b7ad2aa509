internal import DeBERTa

/// How many of everything a batch has on the device. Work that was recorded for a larger shape does
/// a smaller batch, too: what is left over is computed and read by nobody.
struct BatchShape: Hashable, Sendable {
  var tokens: Int
  var sequences: Int
  /// Runs of queries.
  var tiles: Int

  /// 32-bit integers of a tile: AttentionTile in attention.cu.
  private static let tileIntegers = 5

  // Places in the integers of a batch: token ids, their positions, the row of each sequence's first
  // token, the tiles of a layer, and those of the last layer, one per sequence.
  var positionsStart: Int { tokens }
  var firstsStart: Int { 2 * tokens }
  var tilesStart: Int { 2 * tokens + sequences }
  var lastTilesStart: Int { tilesStart + Self.tileIntegers * tiles }
  var integers: Int { lastTilesStart + Self.tileIntegers * sequences }
}

/// The sequences that a device computes at once, as its kernels read them.
struct DeviceBatch {
  let shape: BatchShape
  /// As BatchShape lays them out.
  let integers: [Int32]

  /// - Parameters:
  ///   - sequences: each with at least one token.
  ///   - tile: queries of a run.
  ///   - shape: to be filled up; nil for what the sequences need.
  init(_ sequences: [ArraySlice<Int32>], tile: Int, shape: BatchShape? = nil) {
    let shape = shape ?? Self.shape(of: sequences, tile: tile)
    var integers = [Int32](repeating: 0, count: shape.integers)
    var row = 0
    var tilePlace = shape.tilesStart
    var lastTilePlace = shape.lastTilesStart
    for (index, sequence) in sequences.enumerated() {
      let length = Int32(sequence.count)
      let start = Int32(row)
      integers[shape.firstsStart + index] = start
      for (position, token) in sequence.enumerated() {
        integers[row] = token
        integers[shape.positionsStart + row] = Int32(position)
        row += 1
      }
      for position in stride(from: Int32(0), to: length, by: tile) {
        let queries = min(Int32(tile), length - position)
        Self.write([start + position, position, queries, start, length], &integers, &tilePlace)
      }
      Self.write([Int32(index), 0, 1, start, length], &integers, &lastTilePlace)
    }
    self.shape = shape
    self.integers = integers
  }

  /// What sequences need.
  static func shape(of sequences: [ArraySlice<Int32>], tile: Int) -> BatchShape {
    sequences.reduce(into: BatchShape(tokens: 0, sequences: 0, tiles: 0)) { shape, sequence in
      shape.tokens += sequence.count
      shape.sequences += 1
      shape.tiles += (sequence.count + tile - 1) / tile
    }
  }

  private static func write(_ numbers: [Int32], _ integers: inout [Int32], _ place: inout Int) {
    for number in numbers {
      integers[place] = number
      place += 1
    }
  }
}
