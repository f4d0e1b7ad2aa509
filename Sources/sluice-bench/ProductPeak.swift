import Basics
import DeBERTa
import Tensors

/// How fast this machine does the products of a model and nothing else: what a forward pass is held
/// against.
struct ProductPeak {
  /// Billions of additions and multiplications a second, on all threads.
  let gigaflops: Double

  private static let rows = 1024
  private static let turns = 20

  /// Measures the expansion of a feed-forward block, the largest product of a layer.
  init(_ shape: ModelConfiguration, format: ProductFormat?, pool: WorkerPool) {
    let device = CPUDevice(pool: pool)
    var random = SplitMix64(seed: 1)
    func matrix(_ rows: Int, _ columns: Int) -> Matrix {
      var matrix = Matrix(rows: rows, columns: columns)
      var values = matrix.mutableValues
      for index in values.indices {
        values[index] = Float(random.next() >> 40) / Float(1 << 24) - 0.5
      }
      return matrix
    }
    let floats = Linear(
      weight: Parameter(matrix(shape.intermediate, shape.hidden)), bias: nil)
    let map = format.map { floats.packed(as: $0, on: pool) } ?? floats
    let input = matrix(Self.rows, shape.hidden)
    var output = Matrix(rows: Self.rows, columns: shape.intermediate)
    var packing = PackedRows()
    var best = Double.infinity
    for _ in 0..<Self.turns {
      let start = ContinuousClock.now
      device.apply(
        map, to: input, rows: 0..<Self.rows, into: &output, rows: 0..<Self.rows,
        finish: .product, packing: &packing)
      best = min(best, (ContinuousClock.now - start).seconds)
    }
    gigaflops = 2 * Double(Self.rows * shape.hidden * shape.intermediate) / best / 1e9
  }
}
