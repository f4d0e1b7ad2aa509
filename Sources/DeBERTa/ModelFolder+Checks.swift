internal import Synchronization
package import Tensors

/// What can be said of a folder's weights without copying them.
extension ModelFolder {
  /// The weights as far as their files' headers tell.
  package struct Census: Sendable {
    /// Numbers of all weights that the model has.
    package var parameters = 0
    /// How many of them there are in each number format, such as `F16`.
    package var formats: [String: Int] = [:]
    /// Names of the files.
    package var files: [String] = []
  }

  /// Finds every weight of the model with its shape. Pooler and classifier may be missing.
  ///
  /// - Throws: as reading the weights would.
  package func census(labels: LabelScheme) throws(ModelError) -> Census {
    var census = Census(files: shards.map(\.file.name))
    for (name, shape) in expectedShapes(labels) {
      guard let place = place(of: name) else { throw ModelError(weightFile, .missingTensor(name)) }
      let file = shards[place.shard].file.name
      guard let stored = shards[place.shard].stored(place.name), stored.shape == shape else {
        throw ModelError(
          file,
          .wrongShape(
            tensor: place.name, expected: shape,
            found: shards[place.shard].shape(of: place.name) ?? []))
      }
      guard SafetensorsFile.Exponent(format: stored.format) != nil else {
        throw ModelError(file, .unsupportedFormat(tensor: place.name, format: stored.format))
      }
      let count = shape.reduce(1, *)
      census.parameters += count
      census.formats[stored.format, default: 0] += count
    }
    return census
  }

  /// Refuses weights of which a number is infinite or none: what they make of a text is no score.
  ///
  /// All bytes are read where they are mapped.
  package func checkNumbers(on pool: WorkerPool) throws(ModelError) {
    let pieces = pieces
    let shards = shards
    let first = Atomic<Int>(pieces.count)
    pool.parallelFor(pieces.count) { index, _ in
      let piece = pieces[index]
      let file = shards[piece.shard].file
      let bytes = file.contents.extracting(piece.range)
      if piece.exponent.isFull(inAnyOf: bytes) { first.min(index, ordering: .relaxed) }
    }
    let found = first.load(ordering: .relaxed)
    if found < pieces.count {
      let piece = pieces[found]
      throw ModelError(shards[piece.shard].file.name, .notFinite(tensor: piece.name))
    }
  }

  /// Some numbers of a weight.
  private struct Piece: Sendable {
    let name: String
    let shard: Int
    let range: Range<Int>
    let exponent: SafetensorsFile.Exponent
  }

  private static let pieceBytes = 4 << 20

  private var pieces: [Piece] {
    ParameterLayout(configuration).entries.flatMap { entry -> [Piece] in
      guard let place = place(of: configuration.backbone.bare(entry.name)),
        let stored = shards[place.shard].stored(place.name),
        let exponent = SafetensorsFile.Exponent(format: stored.format)
      else { return [] }
      return stride(
        from: stored.range.lowerBound, to: stored.range.upperBound, by: Self.pieceBytes
      ).map {
        Piece(
          name: place.name, shard: place.shard,
          range: $0..<min($0 + Self.pieceBytes, stored.range.upperBound), exponent: exponent)
      }
    }
  }

  /// The weights' names without prefix, and their shapes.
  private func expectedShapes(_ labels: LabelScheme) -> [(name: String, shape: [Int])] {
    ParameterLayout(configuration).entries.compactMap { entry in
      let name = configuration.backbone.bare(entry.name)
      if entry.part == .head, !hasClassifier { return nil }
      // The layout is that of a training, which has two labels.
      let isOutput = name.hasPrefix(configuration.backbone.classifier + ".") && entry.shape[0] == 2
      return (name, isOutput ? [labels.names.count] + entry.shape.dropFirst() : entry.shape)
    }
  }
}

extension SafetensorsFile {
  /// Where the exponent is in a floating-point number; all of its bits are set in infinity, and in
  /// what is no number.
  enum Exponent: Sendable {
    case half, bfloat, single, double

    /// Nil for formats that are not read.
    init?(format: String) {
      switch format {
      case "F16": self = .half
      case "BF16": self = .bfloat
      case "F32": self = .single
      case "F64": self = .double
      default: return nil
      }
    }

    /// Whether all of its bits are set in any of these numbers.
    func isFull(inAnyOf bytes: RawSpan) -> Bool {
      switch self {
      case .half: Self.isFull(0x7C00 as UInt16, bytes)
      case .bfloat: Self.isFull(0x7F80 as UInt16, bytes)
      case .single: Self.isFull(0x7F80_0000 as UInt32, bytes)
      case .double: Self.isFull(0x7FF0_0000_0000_0000 as UInt64, bytes)
      }
    }

    /// One loop over all numbers, without a way out, which the compiler makes a vector of.
    private static func isFull<Bits: FixedWidthInteger & BitwiseCopyable>(
      _ mask: Bits, _ bytes: RawSpan
    ) -> Bool {
      var found: Bits = 0
      let width = Bits.bitWidth / 8
      for index in 0..<bytes.byteCount / width {
        let bits = unsafe bytes.unsafeLoadUnaligned(
          fromUncheckedByteOffset: index * width, as: Bits.self)
        found |= bits & mask == mask ? 1 : 0
      }
      return found != 0
    }
  }
}
