import CKernels

extension CPUDevice {
  /// The backward pass of `attend`: with dS the gradient at the scores after the scale, and
  /// Gc[i,w] = Σ_{slot(i-j)=w} dS_ij, Gp[j,w] = Σ_{slot(i-j)=w} dS_ij,
  /// dQ = dS·K + Gc·KR, dK = dSᵀ·Q + Gp·QR, dV = Pᵀ·dO, dKR += Gcᵀ·Q, dQR += Gpᵀ·K.
  ///
  /// `items`, `queries`, `keys` and `values` are those of the forward pass, the items of a sequence
  /// together and in order; `outputGradient` is (query rows, hidden). The attention weights are
  /// computed again: nothing of the size of the scores is kept between the passes. `scratch` has
  /// two tiles.
  package func attendGradient(
    _ heads: Heads, items: [AttentionItem], queries: borrowing Matrix, keys: borrowing Matrix,
    values: borrowing Matrix, relative: RelativeTables, slots: SlotTable,
    outputGradient: borrowing Matrix, scratch: borrowing AttentionScratch,
    into gradients: AttentionGradients, tables: RelativeGradients
  ) {
    guard !items.isEmpty else { return }
    let hidden = queries.columns
    let memory = unsafe scratch.block
    let operands = unsafe (
      queries: queries.block(rows: 0..<queries.rows), keys: keys.block(rows: 0..<keys.rows),
      values: values.block(rows: 0..<values.rows),
      output: outputGradient.block(rows: 0..<outputGradient.rows)
    )
    let results = unsafe AttentionBackward.Results(
      queries: gradients.queries.mutableBlock(rows: 0..<gradients.queries.rows),
      keys: gradients.keys.mutableBlock(rows: 0..<gradients.keys.rows),
      values: gradients.values.mutableBlock(rows: 0..<gradients.values.rows))
    let (keyParts, queryParts) = unsafe (
      relative.keys.map { _ in
        unsafe gradients.relativeKeys.mutableBlock(rows: 0..<gradients.relativeKeys.rows)
      },
      relative.queries.map { _ in
        unsafe gradients.relativeQueries.mutableBlock(rows: 0..<gradients.relativeQueries.rows)
      }
    )
    let parts = Self.dealt(items)
    unsafe slots.withCentre { centre in
      let forward = unsafe AttentionLayer(
        queries: operands.queries, keys: operands.keys, values: operands.values,
        relativeKeys: relative.keys?.block, relativeQueries: relative.queries?.block,
        slots: centre, scale: heads.scale, headSize: hidden / heads.count, dropout: heads.dropout)
      let backward = unsafe AttentionBackward(
        forward: forward, outputGradient: operands.output, results: results,
        keyParts: keyParts, queryParts: queryParts)
      pool.parallelFor(parts.count * heads.count) { index, worker in
        unsafe backward.run(
          parts[index / heads.count], part: index / heads.count, head: index % heads.count,
          scratch: memory.base + worker * memory.stride)
      }
    }
    addParts(gradients, relative, to: tables)
  }

  /// The items dealt out to the parts, each sequence to one part.
  private static func dealt(_ items: [AttentionItem]) -> [[AttentionItem]] {
    var parts = [[AttentionItem]](repeating: [], count: AttentionGradients.parts)
    var sequence = -1
    var lastKeyRow = -1
    for item in items {
      if item.keyRow != lastKeyRow {
        sequence += 1
        lastKeyRow = item.keyRow
      }
      parts[sequence % parts.count].append(item)
    }
    return parts
  }

  /// Sums the parts of the tables' gradients in their order.
  private func addParts(
    _ gradients: AttentionGradients, _ relative: RelativeTables, to tables: RelativeGradients
  ) {
    if let table = relative.keys {
      for part in 0..<AttentionGradients.parts {
        add(
          gradients.relativeKeys, rows: part * table.rows..<(part + 1) * table.rows,
          to: &tables.keys, rows: 0..<table.rows)
      }
    }
    if let table = relative.queries {
      for part in 0..<AttentionGradients.parts {
        add(
          gradients.relativeQueries, rows: part * table.rows..<(part + 1) * table.rows,
          to: &tables.queries, rows: 0..<table.rows)
      }
    }
  }
}

/// One layer's operands of the backward pass; `run` computes one head of one part.
@unsafe private struct AttentionBackward: @unchecked Sendable {
  // @unchecked Sendable: a part and a head write the rows of their sequences, their columns and
  // their part of the tables only, and a worker its own scratch.

  @unsafe struct Results {
    let queries: Block
    let keys: Block
    let values: Block
  }

  let forward: AttentionLayer
  let outputGradient: Block
  let results: Results
  let keyParts: Block?
  let queryParts: Block?

  func run(
    _ items: [AttentionItem], part: Int, head: Int, scratch: UnsafeMutablePointer<Float>
  ) {
    let columns = unsafe forward.columns(head)
    let keyTable = unsafe tablePart(keyParts, of: forward.relativeKeys, part, columns)
    let queryTable = unsafe tablePart(queryParts, of: forward.relativeQueries, part, columns)
    unsafe keyTable?.setZero()
    unsafe queryTable?.setZero()
    var lastKeyRow = -1
    for item in items {
      if item.keyRow != lastKeyRow {
        lastKeyRow = item.keyRow
        unsafe results.keys.part(rows: item.keyRows, columns: columns).setZero()
        unsafe results.values.part(rows: item.keyRows, columns: columns).setZero()
      }
      let gradient = unsafe scoreGradient(item, head: head, scratch: scratch)
      let terms = unsafe scratch + 2 * AttentionItem.queriesMax * gradient.stride
      let query = unsafe forward.queries.part(rows: item.queryRows, columns: columns)
      let key = unsafe forward.keys.part(rows: item.keyRows, columns: columns)
      let queryGradient = unsafe results.queries.part(rows: item.queryRows, columns: columns)
      let keyGradient = unsafe results.keys.part(rows: item.keyRows, columns: columns)
      unsafe queryGradient.setProduct(gradient, key)
      unsafe keyGradient.addProduct(transposed: gradient, query)
      if let table = unsafe forward.relativeKeys, let total = unsafe keyTable {
        unsafe addQueryTerms(
          item, gradient, query, table.part(rows: 0..<table.rows, columns: columns),
          to: queryGradient, total, scratch: terms)
      }
      if let table = unsafe forward.relativeQueries, let total = unsafe queryTable {
        unsafe addKeyTerms(
          item, gradient, key, table.part(rows: 0..<table.rows, columns: columns),
          to: keyGradient, total, scratch: terms)
      }
    }
  }

  private func tablePart(
    _ parts: Block?, of table: Block?, _ part: Int, _ columns: Range<Int>
  ) -> Block? {
    guard let parts = unsafe parts, let table = unsafe table else { return nil }
    return unsafe parts.part(
      rows: part * table.rows..<(part + 1) * table.rows, columns: columns)
  }

  /// dS (queries, keys) of one item and head, in scratch; adds Pᵀ·dO to the values' gradient.
  private func scoreGradient(
    _ item: AttentionItem, head: Int, scratch: UnsafeMutablePointer<Float>
  ) -> Block {
    let columns = unsafe forward.columns(head)
    let tile = AttentionItem.queriesMax * Tile.stride(item.keys)
    // The forward pass uses the memory behind its tile for the relative terms, and is done with it
    // before the second tile is written there.
    let weights = unsafe forward.softmax(item, head: head, scratch: scratch)
    let gradient = unsafe Block(
      scratch + tile, rows: weights.rows, columns: weights.columns, stride: weights.stride)
    let output = unsafe outputGradient.part(rows: item.queryRows, columns: columns)
    unsafe gradient.setProduct(
      output, transposed: forward.values.part(rows: item.keyRows, columns: columns))
    if let dropout = unsafe forward.dropout {
      unsafe forward.drop(gradient, dropout, item, head: head)
    }
    unsafe kernel_softmax_gradient(
      gradient.base, weights.base, gradient.stride, gradient.rows, gradient.columns, forward.scale)
    if let dropout = unsafe forward.dropout {
      unsafe forward.drop(weights, dropout, item, head: head)
    }
    unsafe results.values.part(rows: item.keyRows, columns: columns).addProduct(
      transposed: weights, output)
    return unsafe gradient
  }

  /// dQ += Gc·KR and dKR += Gcᵀ·Q, over the window of slots that the item meets.
  private func addQueryTerms(
    _ item: AttentionItem, _ gradient: Block, _ query: Block, _ table: Block,
    to queryGradient: Block, _ total: Block, scratch: UnsafeMutablePointer<Float>
  ) {
    let position = item.queryPosition
    let first = unsafe Int(forward.slots[position - (item.keys - 1)])
    let last = unsafe Int(forward.slots[position + item.queries - 1])
    let window = first..<last + 1
    let terms = unsafe Block(
      scratch, rows: item.queries, columns: window.count, stride: window.count)
    unsafe kernel_scatter_by_row(
      gradient.base, gradient.stride, gradient.rows, gradient.columns, terms.base, terms.stride,
      forward.slots + position, Int32(first))
    unsafe queryGradient.addProduct(
      terms, table.part(rows: window, columns: 0..<table.columns))
    unsafe total.part(rows: window, columns: 0..<total.columns).addProduct(
      transposed: terms, query)
  }

  /// dK += Gp·QR and dQR += Gpᵀ·K, one block of keys after the other.
  private func addKeyTerms(
    _ item: AttentionItem, _ gradient: Block, _ key: Block, _ table: Block, to keyGradient: Block,
    _ total: Block, scratch: UnsafeMutablePointer<Float>
  ) {
    for start in stride(from: 0, to: item.keys, by: Tile.keys) {
      let some = start..<min(item.keys, start + Tile.keys)
      let distance = item.queryPosition - start
      let first = unsafe Int(forward.slots[item.queryPosition - (some.upperBound - 1)])
      let last = unsafe Int(forward.slots[distance + item.queries - 1])
      let window = first..<last + 1
      let terms = unsafe Block(
        scratch, rows: some.count, columns: window.count, stride: window.count)
      unsafe kernel_scatter_by_column(
        gradient.base + start, gradient.stride, gradient.rows, some.count, terms.base,
        terms.stride, forward.slots + distance, Int32(first))
      unsafe keyGradient.part(rows: some, columns: 0..<keyGradient.columns).addProduct(
        terms, table.part(rows: window, columns: 0..<table.columns))
      unsafe total.part(rows: window, columns: 0..<total.columns).addProduct(
        transposed: terms, key.part(rows: some, columns: 0..<key.columns))
    }
  }
}
