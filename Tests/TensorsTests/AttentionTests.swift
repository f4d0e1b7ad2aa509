import Tensors
import Testing

/// The tiled attention against its plain twin.
@Suite struct AttentionTests {
  private static let heads = 2
  private static let headSize = 5
  private static let span = 9

  /// A slot per distance near the diagonal, then one for every four, then the last one.
  private static func slot(_ distance: Int) -> Int {
    let far = max(0, abs(distance) - 4) / 4
    let bucket = abs(distance) <= 4 ? distance : distance.signum() * (4 + far)
    return min(max(bucket + span, 0), 2 * span - 1)
  }

  /// Cuts the columns of one head from rows.
  private func head(_ index: Int, _ rows: some Sequence<[Float]>) -> [[Float]] {
    rows.map { Array($0[index * AttentionTests.headSize..<(index + 1) * AttentionTests.headSize]) }
  }

  @Test(
    arguments: [[1], [2, 1], [63], [64, 65], [127, 128, 129], [5, 130, 1, 200]],
    [(true, true), (true, false), (false, true), (false, false)])
  func packedSequencesEqualThePlainTwin(lengths: [Int], terms: (keys: Bool, queries: Bool)) {
    let hidden = AttentionTests.heads * AttentionTests.headSize
    let tokens = lengths.reduce(0, +)
    var numbers = Numbers(seed: UInt64(tokens))
    let (queries, keys) = (numbers.rows(tokens, hidden), numbers.rows(tokens, hidden))
    let values = numbers.rows(tokens, hidden)
    let keyTable = terms.keys ? numbers.rows(2 * AttentionTests.span, hidden) : nil
    let queryTable = terms.queries ? numbers.rows(2 * AttentionTests.span, hidden) : nil
    let longest = lengths.max() ?? 1
    let slots = SlotTable(reach: longest - 1, slot: AttentionTests.slot)
    let device = CPUDevice(pool: WorkerPool(workers: 3))
    var scratch = AttentionScratch()
    scratch.reserve(workers: 3, keys: longest, slots: 2 * AttentionTests.span)
    var output = Matrix(rows: tokens, columns: hidden)
    device.attend(
      CPUDevice.Heads(count: AttentionTests.heads, scale: 0.4), items: items(lengths),
      queries: Matrix(queries), keys: Matrix(keys), values: Matrix(values),
      relative: RelativeTables(
        keys: keyTable.map { Parameter(rows: $0) }, queries: queryTable.map { Parameter(rows: $0) }),
      slots: slots, scratch: scratch, into: &output)
    var start = 0
    for length in lengths {
      let range = start..<start + length
      for index in 0..<AttentionTests.heads {
        let expected = Reference.attention(
          queries: head(index, queries[range]), keys: head(index, keys[range]),
          values: head(index, values[range]), keyTable: keyTable.map { head(index, $0) },
          queryTable: queryTable.map { head(index, $0) }, slot: AttentionTests.slot, scale: 0.4)
        #expect(distance(head(index, output.arrays[range]), expected) < 1e-5)
      }
      start += length
    }
  }

  private func items(_ lengths: [Int]) -> [AttentionItem] {
    var items: [AttentionItem] = []
    var start = 0
    for length in lengths {
      for position in stride(from: 0, to: length, by: AttentionItem.queriesMax) {
        items.append(
          AttentionItem(
            queryRow: start + position, queryPosition: position,
            queries: min(AttentionItem.queriesMax, length - position), keyRow: start, keys: length))
      }
      start += length
    }
    return items
  }
}
