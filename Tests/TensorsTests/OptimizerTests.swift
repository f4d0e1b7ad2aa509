import Tensors
import Testing

/// AdamW, low-rank changes and sparse gradients against plain loops.
@Suite struct OptimizerTests {
  private static let chunk = 1 << 16

  private func step(_ number: Int) -> AdamWStep {
    AdamWStep(gradientScale: 0.5, rate: 0.01, weightDecay: 0.1, number: number)
  }

  @Test(arguments: [1, 100, chunk - 1, chunk, chunk + 1, 2 * chunk + 17], [1, 3])
  func aStepIsThePlainOne(count: Int, workers: Int) {
    let device = CPUDevice(pool: WorkerPool(workers: workers))
    var numbers = Numbers(seed: 1)
    let (before, gradient) = (numbers.vector(count), numbers.vector(count))
    let zeros = ArenaTensor(vector: [Float](repeating: 0, count: count))
    let weight = ArenaTensor(vector: before)
    let moments = AdamWMoments(
      means: zeros, squares: ArenaTensor(vector: [Float](repeating: 0, count: count)))
    for number in 1...3 {
      device.adamW(weight, moments, gradient: ArenaTensor(vector: gradient), step(number))
    }
    let expected = zip(before, gradient).map { weight, gradient in
      (1...3).reduce(Reference.Moments(weight: Double(weight), mean: 0, square: 0)) {
        Reference.adamW($0, gradient: Double(gradient), step($1))
      }
    }
    #expect(distance(weight.arrays, [expected.map(\.weight)]) < 2e-6)
    #expect(distance(moments.means.arrays, [expected.map(\.mean)]) < 1e-6)
    #expect(distance(moments.squares.arrays, [expected.map(\.square)]) < 1e-6)
  }

  /// Rows come and go: what has no gradient decays as if it had one of zeros.
  @Test(arguments: [(3, 1), (40, 5), (1000, 70), (2, 70_000)], [1, 3])
  func sparseGradientsStepAsDenseOnes(shape: (rows: Int, columns: Int), workers: Int) {
    let (rows, columns) = shape
    let device = CPUDevice(pool: WorkerPool(workers: workers))
    var numbers = Numbers(seed: 2)
    let start = numbers.rows(rows, columns)
    func state() -> [ArenaTensor] {
      let zeros = start.map { $0.map { _ in Float(0) } }
      return [ArenaTensor(start), ArenaTensor(zeros), ArenaTensor(zeros)]
    }
    let (dense, sparse) = (state(), state())
    let gradient = SparseRows(rows: rows, columns: columns)
    for (place, indices) in [[0, 1, 0], [], [Int32(rows - 1)]].enumerated() {
      let addend = Matrix(numbers.rows(max(1, indices.count), columns))
      let whole = ArenaTensor(start.map { $0.map { _ in Float(0) } })
      device.scatterAdd(addend, at: indices.span, to: whole)
      gradient.clear()
      gradient.add(addend, at: indices.span)
      device.adamW(
        dense[0], AdamWMoments(means: dense[1], squares: dense[2]), gradient: whole,
        step(place + 1))
      device.adamW(
        sparse[0], AdamWMoments(means: sparse[1], squares: sparse[2]), gradient: gradient,
        step(place + 1))
    }
    for (found, expected) in zip(sparse, dense) {
      let isClose = distance(found.arrays, expected.arrays.doubles) < 1e-7
      #expect(isClose)
    }
  }

  @Test func sparseRowsSumWhatComesToEach() {
    let rows = SparseRows(rows: 5, columns: 2)
    let addend = Matrix([[1, 2], [3, 4], [10, 20], [9, 9]])
    let indices: [Int32] = [4, 1, 4]
    rows.add(addend, at: indices.span)
    #expect(rows.indices == [4, 1])
    #expect(rows.row(4).map(Array.init) == [11, 22])
    #expect(rows.row(1).map(Array.init) == [3, 4])
    #expect(rows.row(0) == nil)
    #expect(rows.sumOfSquares() == 630)
    rows.clear()
    #expect(rows.indices.isEmpty && rows.row(4) == nil)
    #expect(rows.sumOfSquares() == 0)
    let one: [Int32] = [1]
    rows.add(addend, at: one.span)
    #expect(rows.row(1).map(Array.init) == [1, 2])
  }

  @Test(arguments: [1, chunk, 3 * chunk + 5]) func squaresAreSummed(count: Int) {
    var numbers = Numbers(seed: 3)
    let values = numbers.mixed(count, largest: 1e10)
    let expected = values.reduce(0.0) { $0 + Double($1) * Double($1) }
    let sum = CPUDevice(pool: WorkerPool(workers: 3)).sumOfSquares(ArenaTensor(vector: values))
    #expect(abs(sum - expected) <= 1e-12 * expected)
  }

  /// The chunks' sums have so many digits that another order is rounded to another sum.
  @Test func squaresAreSummedInOneOrder() {
    var numbers = Numbers(seed: 6)
    let chunks = (0..<40).map { _ in [Float](repeating: numbers.next(), count: Self.chunk) }
    let device = CPUDevice(pool: WorkerPool(workers: 5))
    let tensor = ArenaTensor(vector: chunks.flatMap { $0 })
    let sums = Set((0..<50).map { _ in device.sumOfSquares(tensor) })
    #expect(sums == [chunks.reduce(0) { $0 + device.sumOfSquares(ArenaTensor(vector: $1)) }])
  }

  @Test(arguments: [(1, 1, 1), (5, 3, 2), (33, 130, 4), (401, 70, 8)], [1, 2, 5])
  func lowRankChangesAreAdded(shape: (rows: Int, columns: Int, rank: Int), workers: Int) {
    let device = CPUDevice(pool: WorkerPool(workers: workers))
    var numbers = Numbers(seed: 4)
    let base = numbers.rows(shape.rows, shape.columns)
    let (up, down) = (numbers.rows(shape.rows, shape.rank), numbers.rows(shape.rank, shape.columns))
    let weight = ArenaTensor(numbers.rows(shape.rows, shape.columns))
    let change = LowRankChange(up: ArenaTensor(up), down: ArenaTensor(down), scale: 0.5)
    device.set(weight, to: ArenaTensor(base), plus: change)
    #expect(distance(weight.arrays, changed(base.doubles, up.doubles, down.doubles)) < 1e-5)
  }

  @Test func lowRankGradientsAreSlopes() {
    var numbers = Numbers(seed: 5)
    let (base, gradient) = (numbers.rows(5, 4), numbers.rows(5, 4))
    let (up, down) = (numbers.rows(5, 2), numbers.rows(2, 4))
    let (upBefore, downBefore) = (numbers.rows(5, 2), numbers.rows(2, 4))
    let change = LowRankChange(up: ArenaTensor(up), down: ArenaTensor(down), scale: 0.5)
    let sums = LowRankChange(
      up: ArenaTensor(upBefore), down: ArenaTensor(downBefore), scale: 0.5)
    CPUDevice(pool: WorkerPool(workers: 2)).accumulate(
      sums, of: change, weightGradient: ArenaTensor(gradient))
    let upSlopes = centralDifferences(at: up.doubles) {
      total(changed(base.doubles, $0, down.doubles), gradient.doubles)
    }
    let downSlopes = centralDifferences(at: down.doubles) {
      total(changed(base.doubles, up.doubles, $0), gradient.doubles)
    }
    let expected = [(upBefore, upSlopes), (downBefore, downSlopes)].map { before, slopes in
      zip(before.doubles, slopes).map { zip($0, $1).map(+) }
    }
    #expect(distance(sums.up.arrays, expected[0]) < 1e-6)
    #expect(distance(sums.down.arrays, expected[1]) < 1e-6)
  }

  /// base + 1/2 · up · down.
  private func changed(_ base: [[Double]], _ up: [[Double]], _ down: [[Double]]) -> [[Double]] {
    zip(base, Reference.product(up, down)).map { zip($0, $1).map { $0 + 0.5 * $1 } }
  }
}
