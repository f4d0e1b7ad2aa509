import CKernels

extension CPUDevice {
  /// The inputs of one attention layer.
  package struct Heads: Sendable {
    let count: Int
    let scale: Float

    /// `count` heads; scores are multiplied by `scale` before the softmax.
    package init(count: Int, scale: Float) {
      self.count = count
      self.scale = scale
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
        output: operands.output, relativeKeys: relative.keys?.block,
        relativeQueries: relative.queries?.block, slots: centre, scale: heads.scale,
        headSize: hidden / heads.count)
      pool.parallelFor(items.count * heads.count) { index, worker in
        unsafe layer.run(
          items[index / heads.count], head: index % heads.count,
          scratch: memory.base + worker * memory.stride)
      }
    }
  }
}

/// One layer's operands; `run` computes one head of one item.
@unsafe private struct AttentionLayer: @unchecked Sendable {
  // @unchecked Sendable: an item and a head write their own rows and columns of `output` only, and
  // a worker its own scratch.

  let queries: Block
  let keys: Block
  let values: Block
  let output: Block
  let relativeKeys: Block?
  let relativeQueries: Block?
  let slots: UnsafePointer<Int32>
  let scale: Float
  let headSize: Int

  func run(_ item: AttentionItem, head: Int, scratch: UnsafeMutablePointer<Float>) {
    let columns = unsafe head * headSize..<(head + 1) * headSize
    let queryRows = item.queryRow..<item.queryRow + item.queries
    let keyRows = item.keyRow..<item.keyRow + item.keys
    let query = unsafe queries.part(rows: queryRows, columns: columns)
    let key = unsafe keys.part(rows: keyRows, columns: columns)
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
    unsafe output.part(rows: queryRows, columns: columns).setProduct(
      scores, values.part(rows: keyRows, columns: columns))
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
    unsafe kernel_gather_by_row(
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
      unsafe kernel_gather_by_column(
        scores.base + start, scores.stride, scores.rows, end - start, terms.base, terms.stride,
        slots + distance, Int32(first))
      start = end
    }
  }
}
