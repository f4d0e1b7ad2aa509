import CKernels

extension CPUDevice {
  /// As `attend`, with products of 16-bit floats: queries, keys, values, both tables and the
  /// weights of the softmax are rounded, scores and sums are floats.
  func attendPacked(
    _ heads: Heads, items: [AttentionItem], queries: borrowing Matrix, keys: borrowing Matrix,
    values: borrowing Matrix, tables: PackedTables, slots: SlotTable,
    memory: inout PackedAttentionMemory, into output: inout Matrix
  ) {
    precondition(heads.dropout == nil, "packed attention does not train")
    guard !items.isEmpty else { return }
    let operands = unsafe (
      queries: queries.block(rows: 0..<queries.rows), keys: keys.block(rows: 0..<keys.rows),
      values: values.block(rows: 0..<values.rows),
      output: output.mutableBlock(rows: 0..<output.rows)
    )
    let shape = PackedHeads(count: heads.count, size: queries.columns / heads.count)
    let packed = unsafe memory.reserve(
      items, shape, slots: slots.largest + 1, workers: pool.workers)
    let parts = memory.parts
    pool.parallelFor(parts.count * heads.count) { index, _ in
      let part = parts[index / heads.count]
      unsafe packed.pack(
        part.item, head: index % heads.count, from: part.key, keys: operands.keys,
        values: operands.values)
    }
    unsafe slots.withCentre { centre in
      let layer = unsafe PackedAttentionLayer(
        queries: operands.queries, sequences: packed, tables: tables, slots: centre,
        scale: heads.scale, output: operands.output)
      pool.parallelFor(items.count * heads.count) { index, worker in
        unsafe layer.run(items[index / heads.count], head: index % heads.count, worker: worker)
      }
    }
  }
}

/// One layer's operands; `run` computes one head of one item.
@unsafe private struct PackedAttentionLayer: @unchecked Sendable {
  // @unchecked Sendable: an item and a head write their own rows and columns of the output only,
  // and a worker its own scratch.

  let queries: Block
  let sequences: PackedSequences
  let tables: PackedTables
  let slots: UnsafePointer<Int32>
  let scale: Float
  let output: Block

  func run(_ item: AttentionItem, head: Int, worker: Int) {
    let heads = unsafe sequences.heads
    let layout = unsafe sequences.layout
    let scratch = unsafe sequences.scratch.base + worker * sequences.scratch.stride
    let scores = unsafe Block(
      scratch, rows: item.queries, columns: item.keys, stride: layout.scoreStride)
    let terms = unsafe Block(
      scratch + layout.terms, rows: PackedScratch.termRows, columns: layout.termStride,
      stride: layout.termStride)
    let query = unsafe Self.halves(scratch + layout.queries)
    let source = unsafe queries.part(rows: item.queryRows, columns: heads.columns(head))
    unsafe kernel_rows_to_bfloat(
      source.base, source.stride, source.rows, source.columns, query)

    for key in stride(from: 0, to: item.keys, by: PackedRow.panel) {
      unsafe multiply(
        query, rows: item.queries, inputs: heads.inputs,
        sequences.panel(item, head: head, from: key),
        into: scores.base + key, stride: scores.stride, columns: item.keys - key)
    }
    if let table = unsafe tables.keys {
      unsafe addQueryTerms(item, query, table, head: head, to: scores, terms)
    }
    if let table = unsafe tables.queries {
      unsafe addKeyTerms(item, table, head: head, to: scores, terms)
    }

    let weights = unsafe Self.halves(scratch + layout.weights)
    unsafe kernel_softmax_to_bfloat(
      scores.base, scores.stride, scores.rows, scores.columns, scale, weights)
    for panel in 0..<heads.valuePanels {
      let first = panel * PackedRow.panel
      unsafe multiply(
        weights, rows: item.queries, inputs: PackedRow.inputs(item.keys),
        sequences.values(item, head: head, panel: panel, from: 0),
        into: output.base + item.queryRow * output.stride + head * heads.size + first,
        stride: output.stride, columns: heads.size - first)
    }
  }

  private static func halves(_ floats: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt16>
  {
    unsafe UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt16.self)
  }

  private func multiply(
    _ rows: UnsafePointer<UInt16>, rows count: Int, inputs: Int, _ panel: UnsafePointer<UInt16>,
    into target: UnsafeMutablePointer<Float>, stride: Int, columns: Int
  ) {
    var output = unsafe product_output(
      values: target, stride: stride, columns: min(columns, PackedRow.panel), bias: nil,
      finish: PRODUCT_SUM, adds: 0)
    unsafe kernel_product_bfloat(tables.level.kernel, rows, count, inputs, panel, &output)
  }

  /// terms[r][s - first] = rows[r] · table[s], over whole panels of slots; returns `first`.
  private func multiply(
    _ rows: UnsafePointer<UInt16>, rows count: Int, _ table: PackedTable, head: Int,
    slots: ClosedRange<Int>, into terms: Block
  ) -> Int {
    let panels = slots.lowerBound / PackedRow.panel...slots.upperBound / PackedRow.panel
    for panel in panels {
      unsafe multiply(
        rows, rows: count, inputs: sequences.heads.inputs, table.panel(panel, head: head),
        into: terms.base + (panel - panels.lowerBound) * PackedRow.panel, stride: terms.stride,
        columns: PackedRow.panel)
    }
    return panels.lowerBound * PackedRow.panel
  }

  /// scores[i][j] += q_i · KR[slot(i-j)], some queries after the others.
  private func addQueryTerms(
    _ item: AttentionItem, _ query: UnsafePointer<UInt16>, _ table: PackedTable, head: Int,
    to scores: Block, _ terms: Block
  ) {
    for row in stride(from: 0, to: item.queries, by: PackedScratch.termRows) {
      let count = min(PackedScratch.termRows, item.queries - row)
      let position = item.queryPosition + row
      let met =
        unsafe Int(
          slots[position - (item.keys - 1)])...Int(slots[position + count - 1])
      let first = unsafe multiply(
        query + row * sequences.heads.inputs, rows: count, table, head: head, slots: met,
        into: terms)
      unsafe Tile.gatherByRow(
        scores.base + row * scores.stride, scores.stride, count, scores.columns, terms.base,
        terms.stride, slots + position, Int32(first))
    }
  }

  /// scores[i][j] += k_j · QR[slot(i-j)], one panel of keys after the other.
  private func addKeyTerms(
    _ item: AttentionItem, _ table: PackedTable, head: Int, to scores: Block, _ terms: Block
  ) {
    for key in stride(from: 0, to: item.keys, by: PackedRow.panel) {
      let count = min(PackedRow.panel, item.keys - key)
      let distance = item.queryPosition - key
      let met =
        unsafe Int(
          slots[distance - (count - 1)])...Int(slots[distance + item.queries - 1])
      let first = unsafe multiply(
        sequences.rows(item, head: head, from: key), rows: count, table, head: head, slots: met,
        into: terms)
      unsafe Tile.gatherByColumn(
        scores.base + key, scores.stride, scores.rows, count, terms.base, terms.stride,
        slots + distance, Int32(first))
    }
  }
}
