import CKernels

extension CPUDevice {
  /// The inputs of one attention layer.
  package struct Heads: Sendable {
    let count: Int
    let scale: Float
    let dropout: Dropout?

    /// `count` heads; scores are multiplied by `scale` before the softmax, whose results `dropout`
    /// thins out in training.
    package init(count: Int, scale: Float, dropout: Dropout? = nil) {
      self.count = count
      self.scale = scale
      self.dropout = dropout
    }
  }

  /// Disentangled attention of packed sequences (DeBERTa, arXiv 2006.03654, equation 4):
  /// s_ij = (q_i·k_j + q_i·KR[slot(i-j)] + k_j·QR[slot(i-j)]) · scale, output = softmax(s) · v.
  ///
  /// `queries` and `output` are (query rows, hidden), `keys` and `values` (tokens, hidden); each
  /// head owns hidden / heads columns. Items must write different rows.
  package func attend(
    _ heads: Heads, items: [AttentionItem], queries: borrowing Matrix, keys: borrowing Matrix,
    values: borrowing Matrix, relative: RelativeTables, slots: SlotTable,
    scratch: borrowing AttentionScratch, into output: inout Matrix
  ) {
    let hidden = queries.columns
    guard !items.isEmpty else { return }
    let memory = unsafe scratch.block
    let operands = unsafe (
      queries: queries.block(rows: 0..<queries.rows), keys: keys.block(rows: 0..<keys.rows),
      values: values.block(rows: 0..<values.rows),
      output: output.mutableBlock(rows: 0..<output.rows)
    )
    unsafe slots.withCentre { centre in
      let layer = unsafe AttentionLayer(
        queries: operands.queries, keys: operands.keys, values: operands.values,
        relativeKeys: relative.keys?.block, relativeQueries: relative.queries?.block, slots: centre,
        scale: heads.scale,
        headSize: hidden / heads.count, dropout: heads.dropout)
      pool.parallelFor(items.count * heads.count) { index, worker in
        unsafe layer.run(
          items[index / heads.count], head: index % heads.count,
          scratch: memory.base + worker * memory.stride, into: operands.output)
      }
    }
  }
}

extension CPUDevice {
  /// As above; with packed tables the products are of 16-bit floats, in `packing`.
  package func attend(
    _ heads: Heads, items: [AttentionItem], queries: borrowing Matrix, keys: borrowing Matrix,
    values: borrowing Matrix, relative: RelativeTables, slots: SlotTable,
    scratch: inout AttentionScratch, packing: inout PackedAttentionMemory,
    into output: inout Matrix
  ) {
    switch relative.contents {
    case .packed(let tables):
      attendPacked(
        heads, items: items, queries: queries, keys: keys, values: values, tables: tables,
        slots: slots, memory: &packing, into: &output)
    case .floats(let keyTable, let queryTable):
      scratch.reserve(
        workers: pool.workers, keys: items.reduce(0) { max($0, $1.keys) },
        slots: max(keyTable?.rows ?? 0, queryTable?.rows ?? 0))
      attend(
        heads, items: items, queries: queries, keys: keys, values: values, relative: relative,
        slots: slots, scratch: scratch, into: &output)
    }
  }
}

/// One layer's operands; `run` computes one head of one item.
@unsafe struct AttentionLayer: @unchecked Sendable {
  // @unchecked Sendable: an item and a head write their own rows and columns of the output only,
  // and a worker its own scratch.

  let queries: Block
  let keys: Block
  let values: Block
  let relativeKeys: Block?
  let relativeQueries: Block?
  let slots: UnsafePointer<Int32>
  let scale: Float
  let headSize: Int
  let dropout: Dropout?

  func run(
    _ item: AttentionItem, head: Int, scratch: UnsafeMutablePointer<Float>, into output: Block
  ) {
    let weights = unsafe softmax(item, head: head, scratch: scratch)
    if let dropout = unsafe dropout {
      unsafe drop(weights, dropout, item, head: head)
    }
    unsafe output.part(rows: item.queryRows, columns: columns(head)).setProduct(
      weights, values.part(rows: item.keyRows, columns: columns(head)))
  }

  /// The columns that a head owns.
  func columns(_ head: Int) -> Range<Int> { unsafe head * headSize..<(head + 1) * headSize }

  /// Thins out the weights of one item and head, which count from the sequence's first query.
  func drop(_ weights: Block, _ dropout: Dropout, _ item: AttentionItem, head: Int) {
    unsafe dropout.use(item.keyRow).use(head).apply(
      to: weights, first: item.queryPosition * item.keys)
  }

  /// The attention weights (queries, keys) of one item and head, before dropout; in scratch.
  func softmax(
    _ item: AttentionItem, head: Int, scratch: UnsafeMutablePointer<Float>
  ) -> Block {
    let columns = unsafe columns(head)
    let query = unsafe queries.part(rows: item.queryRows, columns: columns)
    let key = unsafe keys.part(rows: item.keyRows, columns: columns)
    let stride = Tile.stride(item.keys)
    let scores = unsafe Block(scratch, rows: item.queries, columns: item.keys, stride: stride)
    let terms = unsafe scratch + AttentionItem.queriesMax * stride
    unsafe scores.setProduct(query, transposed: key)
    if let table = unsafe relativeKeys {
      unsafe addQueryTerms(item, query, table, columns, to: scores, scratch: terms)
    }
    if let table = unsafe relativeQueries {
      unsafe addKeyTerms(item, key, table, columns, to: scores, scratch: terms)
    }
    unsafe scores.softmax(scale: scale)
    return unsafe scores
  }

  /// scores[i][j] += q_i · KR[slot(i-j)], over the window of slots that the item meets.
  private func addQueryTerms(
    _ item: AttentionItem, _ query: Block, _ table: Block, _ columns: Range<Int>,
    to scores: Block, scratch: UnsafeMutablePointer<Float>
  ) {
    let position = item.queryPosition
    let first = unsafe Int(slots[position - (item.keys - 1)])
    let last = unsafe Int(slots[position + item.queries - 1])
    let width = last - first + 1
    let terms = unsafe Block(scratch, rows: item.queries, columns: width, stride: width)
    unsafe terms.setProduct(query, transposed: table.part(rows: first..<last + 1, columns: columns))
    unsafe Tile.gatherByRow(
      scores.base, scores.stride, scores.rows, scores.columns, terms.base, terms.stride,
      slots + position, Int32(first))
  }

  /// scores[i][j] += k_j · QR[slot(i-j)], one block of keys after the other: each block meets few
  /// slots.
  private func addKeyTerms(
    _ item: AttentionItem, _ key: Block, _ table: Block, _ columns: Range<Int>, to scores: Block,
    scratch: UnsafeMutablePointer<Float>
  ) {
    var start = 0
    while start < item.keys {
      let end = min(item.keys, start + Tile.keys)
      let distance = item.queryPosition - start
      let first = unsafe Int(slots[item.queryPosition - (end - 1)])
      let last = unsafe Int(slots[distance + item.queries - 1])
      let width = last - first + 1
      let terms = unsafe Block(scratch, rows: end - start, columns: width, stride: width)
      unsafe terms.setProduct(
        key.part(rows: start..<end, columns: 0..<headSize),
        transposed: table.part(rows: first..<last + 1, columns: columns))
      unsafe Tile.gatherByColumn(
        scores.base + start, scores.stride, scores.rows, end - start, terms.base, terms.stride,
        slots + distance, Int32(first))
      start = end
    }
  }
}
