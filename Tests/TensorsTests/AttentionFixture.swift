import Tensors

/// Packed sequences with all that one layer's attention takes.
///
/// The numbers of a sequence depend on the ones before it only, so a shorter batch of the same seed
/// is the start of a longer one.
struct AttentionFixture {
  static let scale: Float = 0.4

  let heads: Int
  let headSize: Int
  /// Half the slots.
  let span: Int
  let lengths: [Int]
  let dropout: Dropout?
  /// Whether only the first token of each sequence asks, as in a model's last layer.
  let asksOnce: Bool
  /// (query rows, hidden).
  private(set) var queries: [[Float]] = []
  /// (query rows, hidden): the gradient at the output.
  private(set) var outputGradient: [[Float]] = []
  /// (tokens, hidden).
  private(set) var keys: [[Float]] = []
  /// (tokens, hidden).
  private(set) var values: [[Float]] = []
  /// (slots, hidden), or empty.
  private(set) var keyTable: [[Float]]
  /// (slots, hidden), or empty.
  private(set) var queryTable: [[Float]]
  private(set) var items: [AttentionItem] = []

  init(
    lengths: [Int], terms: RelativeTerms, heads: Int = 3, headSize: Int = 5, span: Int = 9,
    dropout: Dropout? = nil, asksOnce: Bool = false
  ) {
    self.heads = heads
    self.headSize = headSize
    self.span = span
    self.lengths = lengths
    let hidden = heads * headSize
    self.dropout = dropout
    self.asksOnce = asksOnce
    var numbers = Numbers(seed: 1)
    keyTable = numbers.rows(terms.ofKeys ? 2 * span : 0, hidden)
    queryTable = numbers.rows(terms.ofQueries ? 2 * span : 0, hidden)
    numbers = Numbers(seed: 2)
    var packedRow = 0
    for length in lengths {
      let asking = asksOnce ? 1 : length
      for position in stride(from: 0, to: asking, by: AttentionItem.queriesMax) {
        items.append(
          AttentionItem(
            queryRow: queries.count + position, queryPosition: position,
            queries: min(AttentionItem.queriesMax, asking - position), keyRow: keys.count,
            keys: length, packedRow: packedRow))
      }
      packedRow += AttentionItem.packedRows(length)
      queries += numbers.rows(asking, hidden)
      outputGradient += numbers.rows(asking, hidden)
      keys += numbers.rows(length, hidden)
      values += numbers.rows(length, hidden)
    }
  }

  /// Floats of a row.
  var hidden: Int { heads * headSize }

  /// The same with numbers that 16-bit floats hold.
  var rounded: AttentionFixture {
    var result = self
    result.queries = Self.rounded(queries)
    result.keys = Self.rounded(keys)
    result.values = Self.rounded(values)
    result.keyTable = Self.rounded(keyTable)
    result.queryTable = Self.rounded(queryTable)
    return result
  }

  private static func rounded(_ rows: [[Float]]) -> [[Float]] {
    rows.map { $0.map { ($0 * 128).rounded() / 128 } }
  }

  /// A slot per distance near the diagonal, then one for every four, then the last one.
  func slot(_ distance: Int) -> Int {
    let near = span / 2
    let far = max(0, abs(distance) - near) / 4
    let bucket = abs(distance) <= near ? distance : distance.signum() * (near + far)
    return min(max(bucket + span, 0), 2 * span - 1)
  }

  /// The longest sequence.
  var longest: Int { lengths.max() ?? 1 }

  var slots: SlotTable { SlotTable(reach: longest - 1, slot: slot) }

  var deviceHeads: CPUDevice.Heads {
    CPUDevice.Heads(count: heads, scale: Self.scale, dropout: dropout)
  }

  var tables: RelativeTables {
    RelativeTables(
      keys: keyTable.isEmpty ? nil : Parameter(rows: keyTable),
      queries: queryTable.isEmpty ? nil : Parameter(rows: queryTable))
  }

  /// Rows of the queries of one sequence.
  func queryRows(_ sequence: Int) -> Range<Int> {
    asksOnce ? sequence..<sequence + 1 : keyRows(sequence)
  }

  /// Rows of the keys of one sequence.
  func keyRows(_ sequence: Int) -> Range<Int> {
    let start = lengths[..<sequence].reduce(0, +)
    return start..<start + lengths[sequence]
  }

  /// One head's part of rows.
  func head(_ index: Int, _ rows: some Sequence<[Float]>) -> [[Float]] {
    rows.map { Array($0[index * headSize..<(index + 1) * headSize]) }
  }

  /// One head of one sequence, for the twin.
  func inputs(_ sequence: Int, head: Int) -> Reference.Attention {
    func part(_ rows: some Sequence<[Float]>) -> [[Double]] { self.head(head, rows).doubles }
    return Reference.Attention(
      queries: part(queries[queryRows(sequence)]), keys: part(keys[keyRows(sequence)]),
      values: part(values[keyRows(sequence)]), keyTable: part(keyTable),
      queryTable: part(queryTable))
  }

  /// The rule of one head of one sequence, for the twin. What is dropped counts from the sequence's
  /// first query, and differs by sequence and head.
  func rule(_ sequence: Int, head: Int) -> Reference.AttentionRule {
    let (asking, length) = (queryRows(sequence).count, lengths[sequence])
    var kept = Matrix([[Float]](repeating: [Float](repeating: 1, count: length), count: asking))
    CPUDevice(pool: WorkerPool(workers: 1)).drop(
      &kept, rows: 0..<asking, dropout?.use(keyRows(sequence).lowerBound).use(head))
    return Reference.AttentionRule(
      scale: Double(Self.scale), slot: slot, kept: kept.arrays.doubles)
  }
}

/// Which relative terms a model has.
struct RelativeTerms: Sendable, CustomStringConvertible {
  let ofKeys: Bool
  let ofQueries: Bool

  static let all = [(true, true), (true, false), (false, true), (false, false)].map {
    RelativeTerms(ofKeys: $0.0, ofQueries: $0.1)
  }

  var description: String { "keys: \(ofKeys), queries: \(ofQueries)" }
}
