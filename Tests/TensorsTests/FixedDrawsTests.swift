import Tensors
import Testing

/// Draws that outlive a run: stored data and resumed work depend on them, so they never change.
@Suite struct FixedDrawsTests {
  /// Which of 64 values stay, as bits; the least significant is the first.
  private func kept(_ dropout: Dropout) -> UInt64 {
    var matrix = Matrix([[Float](repeating: 1, count: 32), [Float](repeating: 1, count: 32)])
    CPUDevice(pool: WorkerPool(workers: 1)).drop(&matrix, rows: 0..<2, dropout)
    return matrix.arrays.flatMap { $0 }.enumerated().reduce(0) { bits, value in
      value.element == 0 ? bits : bits | 1 << UInt64(value.offset)
    }
  }

  @Test func dropoutMasks() {
    let dropout = Dropout(probability: 0.25, seed: 3)
    #expect(kept(dropout) == 0x3CFF_7FF3_7DEB_B41F)
    #expect(kept(dropout.use(1)) == 0xFD2B_FA7E_7FFD_F5AB)
    #expect(kept(dropout.use(2).use(5)) == 0xFFBF_FC7F_FD5C_5E7B)
    #expect(kept(Dropout(probability: 0.5, seed: .max)) == 0x44D2_23C1_63F9_AD13)
  }
}
