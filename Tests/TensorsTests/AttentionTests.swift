import Tensors
import Testing

/// The tiled attention against its plain twin.
@Suite struct AttentionTests {
  @Test(
    arguments: [[1], [2, 1], [63], [64, 65], [127, 128, 129], [5, 130, 1, 200]], RelativeTerms.all)
  func packedSequencesEqualThePlainTwin(lengths: [Int], terms: RelativeTerms) {
    expectTwin(AttentionFixture(lengths: lengths, terms: terms))
  }

  @Test(arguments: RelativeTerms.all) func weightsAreDropped(terms: RelativeTerms) {
    let dropout = Dropout(probability: 0.3, seed: 5)
    expectTwin(AttentionFixture(lengths: [5, 130, 1, 66], terms: terms, dropout: dropout))
  }

  @Test(arguments: RelativeTerms.all) func oneTokenOfEachSequenceMayAsk(terms: RelativeTerms) {
    expectTwin(AttentionFixture(lengths: [5, 130, 1, 66], terms: terms, asksOnce: true))
  }

  private func expectTwin(
    _ fixture: AttentionFixture, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let device = CPUDevice(pool: WorkerPool(workers: 3))
    var scratch = AttentionScratch()
    scratch.reserve(workers: 3, keys: fixture.longest, slots: 2 * fixture.span)
    var output = Matrix(rows: fixture.queries.count, columns: fixture.hidden)
    device.attend(
      fixture.deviceHeads, items: fixture.items, queries: Matrix(fixture.queries),
      keys: Matrix(fixture.keys), values: Matrix(fixture.values), relative: fixture.tables,
      slots: fixture.slots, scratch: scratch, into: &output)
    for sequence in fixture.lengths.indices {
      let rows = output.arrays[fixture.queryRows(sequence)]
      for head in 0..<fixture.heads {
        let expected = Reference.attention(
          fixture.inputs(sequence, head: head), fixture.rule(sequence, head: head))
        let found = fixture.head(head, rows)
        #expect(distance(found, expected) < 1e-5, sourceLocation: sourceLocation)
      }
    }
  }
}
