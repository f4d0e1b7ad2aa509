import Testing

import Tensors

@Suite struct MemoryTests {
  @Test(arguments: [(0, 0), (0, 3), (3, 0), (1, 1), (7, 5)])
  func aNewMatrixIsZeroAndStartsAtACacheLine(rows: Int, columns: Int) {
    var matrix = Matrix(rows: rows, columns: columns)
    #expect(matrix.values.count == rows * columns)
    #expect(matrix.arrays.joined().allSatisfy { $0 == 0 })
    guard rows * columns > 0 else { return }
    let block = unsafe matrix.mutableBlock(rows: 0..<rows)
    #expect(unsafe UInt(bitPattern: block.base) % 64 == 0)
  }

  @Test func everyHalfAndBfloatWidensExactly() {
    let patterns = (0...UInt16.max).map { $0 }
    // One byte of padding puts the 16-bit numbers at odd addresses.
    let bytes: [UInt8] = [0] + patterns.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    let span = unsafe bytes.span.bytes.extracting(1..<bytes.count)
    let halves = Matrix(rows: 1, columns: patterns.count, bytes: span, format: .half).arrays[0]
    let bfloats = Matrix(rows: 1, columns: patterns.count, bytes: span, format: .bfloat).arrays[0]
    for pattern in patterns {
      let half = Float(Float16(bitPattern: pattern))
      let bfloat = Float(bitPattern: UInt32(pattern) << 16)
      let index = Int(pattern)
      #expect(halves[index] == half || halves[index].isNaN && half.isNaN, "\(pattern)")
      #expect(halves[index].sign == half.sign, "\(pattern)")
      #expect(bfloats[index].bitPattern == bfloat.bitPattern, "\(pattern)")
    }
  }

  @Test func singlePrecisionIsCopiedFromAnyAddress() {
    let bytes: [UInt8] = [9, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]
    let span = unsafe bytes.span.bytes.extracting(1..<9)
    #expect(Matrix(rows: 2, columns: 1, bytes: span, format: nil).arrays == [[1], [-2]])
  }

  @Test func everyBitChangesTheHash() {
    let pool = WorkerPool(workers: 2)
    func hash(_ bytes: [UInt8]) -> ContentHash {
      var hash = ContentHash()
      unsafe hash.add(bytes.span.bytes, on: pool)
      return hash
    }
    for count in [0, 1, 127, 128, 129, 300] {
      var bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
      var seen: Set<ContentHash> = [hash(bytes), hash(bytes + [0])]
      for bit in 0..<count * 8 {
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        seen.insert(hash(bytes))
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      }
      #expect(seen.count == count * 8 + 2, "\(count) bytes")
    }
  }

  @Test func theHashDependsOnOrderAndNotOnWorkers() {
    let half = 5 << 20
    let ones = [UInt8](repeating: 1, count: half)
    let twos = [UInt8](repeating: 2, count: half)
    let hashes = [1, 2, 3].map { workers in
      let pool = WorkerPool(workers: workers)
      return [ones + twos, twos + ones].map { bytes in
        var hash = ContentHash()
        unsafe hash.add(bytes.span.bytes, on: pool)
        return hash.description
      }
    }
    #expect(hashes[0] == hashes[1] && hashes[1] == hashes[2])
    #expect(hashes[0][0] != hashes[0][1])
    #expect(hashes[0][0].count == 16)
  }
}
