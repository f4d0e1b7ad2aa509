import KernelLevels
import Tensors
import Testing

/// Attention of 16-bit floats, with each kind of instructions that this processor has, against the
/// plain twin on numbers that these hold exactly.
@Suite struct PackedAttentionTests {
  private static let levels = ProductLevel.allCases.filter { $0.runs(.bf16) }

  @Test(
    arguments: levels,
    [[1], [2, 1], [63], [64, 65], [127, 128, 129], [5, 130, 1, 200], [513, 3]])
  func packedSequencesEqualThePlainTwin(level: ProductLevel, lengths: [Int]) {
    for terms in RelativeTerms.all {
      for asksOnce in [false, true] {
        for (heads, size, span) in [(3, 5, 9), (2, 64, 100), (1, 80, 200)] {
          expectTwin(
            AttentionFixture(
              lengths: lengths, terms: terms, heads: heads, headSize: size, span: span,
              asksOnce: asksOnce
            ).rounded, level)
        }
      }
    }
  }

  /// Nothing of a batch is left for the next one.
  @Test func memoryServesOneBatchAfterTheOther() {
    var memory = PackedAttentionMemory()
    for lengths in [[200], [3, 130], [1], [65, 64, 63]] {
      expectTwin(
        AttentionFixture(lengths: lengths, terms: RelativeTerms(ofKeys: true, ofQueries: true))
          .rounded, Self.levels.last ?? .plain,
        in: &memory)
    }
  }

  private func expectTwin(
    _ fixture: AttentionFixture, _ level: ProductLevel,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var memory = PackedAttentionMemory()
    expectTwin(fixture, level, in: &memory, sourceLocation: sourceLocation)
  }

  private func expectTwin(
    _ fixture: AttentionFixture, _ level: ProductLevel, in memory: inout PackedAttentionMemory,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let pool = WorkerPool(workers: 3)
    let device = CPUDevice(pool: pool)
    var scratch = AttentionScratch()
    var output = Matrix(rows: fixture.queries.count, columns: fixture.hidden)
    device.attend(
      fixture.deviceHeads, items: fixture.items, queries: Matrix(fixture.queries),
      keys: Matrix(fixture.keys), values: Matrix(fixture.values),
      relative: fixture.tables.packed(heads: fixture.heads, level: level, on: pool),
      slots: fixture.slots, scratch: &scratch, packing: &memory, into: &output)
    for sequence in fixture.lengths.indices {
      let rows = output.arrays[fixture.queryRows(sequence)]
      for head in 0..<fixture.heads {
        let expected = Reference.attention(
          fixture.inputs(sequence, head: head), fixture.rule(sequence, head: head))
        // Weights are rounded to 2^-9 of themselves, and values are at most 1.
        #expect(
          distance(fixture.head(head, rows), expected) < 0x1p-8, "\(fixture.lengths), \(level)",
          sourceLocation: sourceLocation)
      }
    }
  }

  /// Whichever way a panel comes about, it is the one that weights are packed into.
  @Test(arguments: [1, 2, 5, 15, 16, 33, 63, 64], [1, 2, 7, 32, 33, 64, 80])
  func panelsOfRowsAndColumnsAreThoseOfWeights(outputs: Int, inputs: Int) {
    var numbers = Numbers(seed: 9)
    let padded = (inputs + 1) / 2 * 2
    let rows = numbers.rows(outputs, inputs)
    let columns = (0..<inputs).map { input in rows.map { $0[input] } }
    var halves = [UInt16](repeating: 0, count: outputs * padded)
    let (weight, values) = (rows.flatMap(\.self), columns.flatMap(\.self))
    unsafe kernel_rows_to_bfloat(weight, inputs, outputs, inputs, &halves)
    let expected = unsafe panel(padded) {
      unsafe kernel_pack_bfloat(weight, inputs, outputs, inputs, $0)
    }
    let ofRows = unsafe panel(padded) {
      unsafe kernel_panel_of_rows(halves, outputs, padded, $0)
    }
    #expect(ofRows == expected)
    let ofColumns = unsafe panel(padded) {
      unsafe kernel_panel_of_columns(values, outputs, inputs, outputs, $0)
    }
    #expect(ofColumns == expected)
    guard kernel_has_512() != 0 else { return }
    let ofWide = unsafe panel(padded) {
      unsafe kernel_panel_of_rows_512(halves, outputs, padded, $0)
    }
    #expect(ofWide == expected)
  }

  /// A panel that held something else, and what `body` makes of it.
  private func panel(
    _ inputs: Int, _ body: (UnsafeMutablePointer<UInt16>) -> Void
  ) -> [UInt16] {
    let count = inputs * Int(KERNEL_PANEL)
    var memory = Matrix(rows: 1, columns: count / 2 + 16)
    let floats = unsafe memory.mutableBlock(rows: 0..<1).base
    let halves = unsafe UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt16.self)
    unsafe halves.update(repeating: 7, count: count + 32)
    unsafe body(halves)
    let isIntact = (count..<count + 32).allSatisfy { unsafe halves[$0] == 7 }
    #expect(isIntact, "written outside")
    let result = (0..<count).map { unsafe halves[$0] }
    _ = consume memory
    return result
  }
}
