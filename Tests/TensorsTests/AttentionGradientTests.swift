import Tensors
import Testing

/// The backward pass of attention against slopes of the plain forward pass and against the plain
/// backward pass.
@Suite struct AttentionGradientTests {
  private static let probabilities: [Float] = [0, 0.3]

  private func dropout(_ probability: Float) -> Dropout? {
    probability == 0 ? nil : Dropout(probability: probability, seed: 5)
  }

  /// Five sequences, so that one part of the tables' gradients sums two of them.
  @Test(arguments: RelativeTerms.all, probabilities)
  func gradientsAreSlopes(terms: RelativeTerms, probability: Float) {
    let fixture = AttentionFixture(
      lengths: [3, 1, 5, 2, 4], terms: terms, dropout: dropout(probability))
    let expected = fixture.forEachHead { inputs, rule, output in
      Self.slopes(inputs, rule, output)
    }
    let found = AttentionBackwardRun(fixture).gradients(workers: 2)
    expect(found, expected, fixture, tolerance: 1e-5)
  }

  /// From one sequence to two rounds over the parts of the tables' gradients and one more, in the
  /// memory that the batch before left.
  @Test(arguments: RelativeTerms.all, probabilities)
  func oneToNineSequencesEqualThePlainTwin(terms: RelativeTerms, probability: Float) {
    let lengths = [5, 1, 130, 2, 64, 3, 129, 17, 33]
    let whole = AttentionFixture(lengths: lengths, terms: terms, dropout: dropout(probability))
    let expected = whole.forEachHead(Reference.attentionGradient)
    let run = AttentionBackwardRun(whole)
    for count in [9, 1, 2, 3, 4, 5, 6, 7, 8] {
      let fixture = AttentionFixture(
        lengths: Array(lengths.prefix(count)), terms: terms, dropout: dropout(probability))
      let found = AttentionBackwardRun(fixture, memory: run.memory).gradients(workers: 3)
      expect(found, Array(expected.prefix(count)), fixture, tolerance: 2e-5)
    }
  }

  @Test(arguments: RelativeTerms.all) func oneTokenOfEachSequenceMayAsk(terms: RelativeTerms) {
    let fixture = AttentionFixture(
      lengths: [5, 130, 1, 66, 2], terms: terms, dropout: dropout(0.3), asksOnce: true)
    let expected = fixture.forEachHead(Reference.attentionGradient)
    let found = AttentionBackwardRun(fixture).gradients(workers: 2)
    expect(found, expected, fixture, tolerance: 1e-5)
  }

  @Test(arguments: RelativeTerms.all, [[130], [5, 1, 130, 2, 64, 3, 129, 17, 33]])
  func anyNumberOfWorkersGivesTheSameBits(terms: RelativeTerms, lengths: [Int]) {
    let fixture = AttentionFixture(lengths: lengths, terms: terms, dropout: dropout(0.3))
    let one = AttentionBackwardRun(fixture).gradients(workers: 1)
    for workers in [2, 3, 5, 16] {
      let several = AttentionBackwardRun(fixture).gradients(workers: workers)
      for part in AttentionBackwardRun.Gradients.parts {
        let isSame = several[keyPath: part].map(\.bits) == one[keyPath: part].map(\.bits)
        #expect(isSame, "\(workers) workers, \(part)")
      }
    }
  }

  @Test func noItemsAreNoWork() {
    let fixture = AttentionFixture(lengths: [3], terms: RelativeTerms.all[0])
    let found = AttentionBackwardRun(fixture, items: []).gradients(workers: 2)
    let isUntouched = AttentionBackwardRun.Gradients.parts.allSatisfy { part in
      found[keyPath: part].joined().allSatisfy { $0 == 1 }
    }
    #expect(isUntouched)
  }

  /// Compares with the gradients of each head of each sequence; those at the tables are sums.
  private func expect(
    _ found: AttentionBackwardRun.Gradients, _ expected: [[Reference.Attention]],
    _ fixture: AttentionFixture, tolerance: Double,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for head in 0..<fixture.heads {
      func worst(_ rows: some Sequence<[Float]>, _ expected: [[Double]]) -> Double {
        distance(fixture.head(head, rows), expected)
      }
      // Tables' gradients add to the ones that were there.
      var keyTable = fixture.keyTable.map { _ in [Double](repeating: 1, count: 5) }
      var queryTable = fixture.queryTable.map { _ in [Double](repeating: 1, count: 5) }
      for (sequence, heads) in expected.enumerated() {
        let (one, rows) = (heads[head], fixture.keyRows(sequence))
        let distances = [
          worst(found.queries[fixture.queryRows(sequence)], one.queries),
          worst(found.keys[rows], one.keys), worst(found.values[rows], one.values),
        ]
        let isClose = distances.allSatisfy { $0 < tolerance }
        #expect(
          isClose, "sequence \(sequence), head \(head): \(distances)",
          sourceLocation: sourceLocation)
        keyTable = zip(keyTable, one.keyTable).map { zip($0, $1).map(+) }
        queryTable = zip(queryTable, one.queryTable).map { zip($0, $1).map(+) }
      }
      let distances = [
        worst(found.keyTable.prefix(keyTable.count), keyTable),
        worst(found.queryTable.prefix(queryTable.count), queryTable),
      ]
      let isClose = distances.allSatisfy { $0 < 2 * tolerance }
      #expect(isClose, "tables of head \(head): \(distances)", sourceLocation: sourceLocation)
    }
  }

  /// Central differences of the sum of output · `output`.
  private static func slopes(
    _ inputs: Reference.Attention, _ rule: Reference.AttentionRule, _ output: [[Double]]
  ) -> Reference.Attention {
    var found = inputs
    for part in [\Reference.Attention.queries, \.keys, \.values, \.keyTable, \.queryTable] {
      found[keyPath: part] = centralDifferences(at: inputs[keyPath: part]) { rows in
        var moved = inputs
        moved[keyPath: part] = rows
        return total(Reference.attention(moved, rule), output)
      }
    }
    return found
  }
}

extension AttentionFixture {
  /// What `body` makes of each head of each sequence and the gradient at its output.
  func forEachHead(
    _ body: (Reference.Attention, Reference.AttentionRule, [[Double]]) -> Reference.Attention
  ) -> [[Reference.Attention]] {
    lengths.indices.map { sequence in
      (0..<heads).map { head in
        let output = self.head(head, outputGradient[queryRows(sequence)]).doubles
        return body(inputs(sequence, head: head), rule(sequence, head: head), output)
      }
    }
  }
}

/// One backward pass on the device.
struct AttentionBackwardRun {
  struct Gradients {
    var queries: [[Float]]
    var keys: [[Float]]
    var values: [[Float]]
    var keyTable: [[Float]]
    var queryTable: [[Float]]

    static let parts = [\Self.queries, \.keys, \.values, \.keyTable, \.queryTable]
  }

  let memory: AttentionGradients
  private let fixture: AttentionFixture
  private let items: [AttentionItem]

  init(
    _ fixture: AttentionFixture, items: [AttentionItem]? = nil,
    memory: AttentionGradients = AttentionGradients()
  ) {
    self.fixture = fixture
    self.memory = memory
    self.items = items ?? fixture.items
    memory.reserve(
      tokens: fixture.keys.count, hidden: fixture.hidden, slots: 2 * fixture.span)
  }

  /// The gradients; everything is 1 before, and the pass sets all but the tables' gradients, to
  /// which it adds.
  func gradients(workers: Int) -> Gradients {
    let (hidden, slots) = (fixture.hidden, 2 * fixture.span)
    func fill(_ matrix: inout Matrix) {
      var values = matrix.mutableValues
      for index in values.indices { values[index] = 1 }
    }
    let tables = RelativeGradients(slots: slots, hidden: hidden)
    fill(&tables.keys)
    fill(&tables.queries)
    fill(&memory.queries)
    fill(&memory.keys)
    fill(&memory.values)
    var scratch = AttentionScratch()
    scratch.reserve(workers: workers, keys: fixture.longest, slots: slots, tiles: 2)
    CPUDevice(pool: WorkerPool(workers: workers)).attendGradient(
      fixture.deviceHeads, items: items, queries: Matrix(fixture.queries),
      keys: Matrix(fixture.keys), values: Matrix(fixture.values), relative: fixture.tables,
      slots: fixture.slots, outputGradient: Matrix(fixture.outputGradient), scratch: scratch,
      into: memory, tables: tables)
    return Gradients(
      queries: Array(memory.queries.arrays.prefix(fixture.queries.count)),
      keys: Array(memory.keys.arrays.prefix(fixture.keys.count)),
      values: Array(memory.values.arrays.prefix(fixture.keys.count)),
      keyTable: tables.keys.arrays, queryTable: tables.queries.arrays)
  }
}
