/// The twin of `kernel_hash`.
extension Reference {
  private static let lanes = 16
  private static let blocksPerRun = 16
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9

  /// A 64-bit hash of bytes, block by block of 16 words.
  static func hash(_ bytes: [UInt8], seed: UInt64) -> UInt64 {
    let keys = (1...lanes + blocksPerRun).map { avalanche(seed &+ prime1 &* UInt64($0)) }
    var sums = (1...lanes).map { prime3 &* UInt64($0) }
    let blocks = bytes.count / (8 * lanes)
    for block in 0..<blocks {
      absorb(words(bytes, block), keys[(block % blocksPerRun)...], &sums)
      if block % blocksPerRun == blocksPerRun - 1 { scramble(&sums, keys[0...]) }
    }
    scramble(&sums, keys[1...])
    absorb(words(bytes, blocks), keys[2...], &sums)
    let start = seed ^ UInt64(bytes.count) &* prime1
    return avalanche(sums.reduce(start) { avalanche($0 ^ $1) &+ prime1 &* $1 })
  }

  /// The little-endian words of one block; zeros follow the last byte.
  private static func words(_ bytes: [UInt8], _ block: Int) -> [UInt64] {
    (0..<lanes).map { lane in
      let start = min(bytes.count, 8 * (block * lanes + lane))
      let word = bytes[start..<min(bytes.count, start + 8)]
      return word.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  private static func absorb(
    _ words: [UInt64], _ keys: ArraySlice<UInt64>, _ sums: inout [UInt64]
  ) {
    for lane in sums.indices {
      let keyed = words[lane] ^ keys[keys.startIndex + lane]
      sums[lane] &+= (keyed & 0xFFFF_FFFF) &* (keyed >> 32) &+ words[lane ^ 1]
    }
  }

  private static func scramble(_ sums: inout [UInt64], _ keys: ArraySlice<UInt64>) {
    for lane in sums.indices {
      sums[lane] = (sums[lane] ^ sums[lane] >> 47 ^ keys[keys.startIndex + lane]) &* 0x9E37_79B1
    }
  }

  private static func avalanche(_ word: UInt64) -> UInt64 {
    var word = (word ^ word >> 33) &* 0xC2B2_AE3D_27D4_EB4F
    word = (word ^ word >> 29) &* prime3
    return word ^ word >> 32
  }
}
