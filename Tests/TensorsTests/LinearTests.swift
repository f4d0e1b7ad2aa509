import Testing

import Tensors

@Suite struct LinearTests {
  @Test(arguments: [1, 3, 17, 200, 401], [1, 2, 5])
  func aMapEqualsItsPlainTwin(rows: Int, workers: Int) {
    let device = CPUDevice(pool: WorkerPool(workers: workers))
    for (inputs, outputs) in [(1, 1), (5, 2), (16, 33), (40, 130)] {
      var numbers = Numbers(seed: UInt64(rows))
      let input = numbers.rows(rows, inputs)
      let weight = numbers.rows(outputs, inputs)
      let bias = numbers.vector(outputs)
      let linear = Linear(weight: Parameter(rows: weight), bias: Parameter(vector: bias))
      let expected = Reference.linear(
        input.doubles, weight: weight.doubles, bias: bias.doubles)
      var output = Matrix(rows: rows + 1, columns: outputs)
      device.apply(linear, to: Matrix(input), rows: 0..<rows, into: &output, rows: 1..<rows + 1)
      #expect(distance(Array(output.arrays.dropFirst()), expected) < 1e-5)
      #expect(output.arrays[0].allSatisfy { $0 == 0 })
      for activation in [Activation.gelu, .tanh] {
        device.apply(
          linear, to: Matrix(input), rows: 0..<rows, into: &output, rows: 0..<rows,
          finish: .biasAnd(activation))
        let activated = expected.map { $0.map { Reference.value(activation, $0) } }
        #expect(distance(Array(output.arrays.dropLast()), activated) < 1e-5)
      }
    }
  }

  @Test func noRowsAreNoWork() {
    let device = CPUDevice(pool: WorkerPool(workers: 2))
    let linear = Linear(weight: Parameter(rows: [[1, 2]]), bias: nil)
    var output = Matrix(rows: 4, columns: 1)
    device.apply(
      linear, to: Matrix(rows: 4, columns: 2), rows: 0..<0, into: &output, rows: 2..<2)
    #expect(output.arrays == [[0], [0], [0], [0]])
  }

  @Test(arguments: [1, 2, 3, 16, 128], [1, 15, 16, 17, 192, 400, 5000])
  func tilesCoverTheOutputOnce(workers: Int, rows: Int) {
    for columns in [1, 2, 63, 64, 65, 768, 3072] {
      let grid = TileGrid(rows: rows, columns: columns, workers: workers)
      var cells = 0
      for index in 0..<grid.count {
        let (tileRows, tileColumns) = grid.tile(index)
        #expect(tileRows.upperBound <= rows && tileColumns.upperBound <= columns)
        cells += tileRows.count * tileColumns.count
      }
      #expect(cells == rows * columns, "\(workers) workers, (\(rows), \(columns))")
    }
  }

  @Test func rowsAreGatheredByIndex() {
    let device = CPUDevice(pool: WorkerPool(workers: 1))
    let table = Parameter(rows: [[1, 2], [3, 4], [5, 6]])
    var output = Matrix(rows: 4, columns: 2)
    let indices: [Int32] = [2, 0, 2]
    device.gather(table, at: indices.span, into: &output)
    #expect(output.arrays == [[5, 6], [1, 2], [5, 6], [0, 0]])
  }
}
