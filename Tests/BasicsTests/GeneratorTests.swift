import Basics
import Testing

@Suite struct GeneratorTests {
  /// The reference implementation's first numbers (prng.di.unimi.it/splitmix64.c).
  @Test func numbersAreThoseOfTheReference() {
    var zero = SplitMix64(seed: 0)
    #expect(
      [zero.next(), zero.next(), zero.next()] == [
        0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F,
      ])
    var other = SplitMix64(seed: 1_234_567)
    #expect(
      [other.next(), other.next()] == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973])
    #expect(mix64(SplitMix64.increment) == 0xE220_A839_7B1D_CDAF)
  }

  @Test(arguments: [1, 2, 10, 1 << 40])
  func boundedNumbersStayBelowTheirBound(bound: Int) {
    var random = SplitMix64(seed: UInt64(bound))
    let numbers = (0..<200).map { _ in random.next(below: bound) }
    #expect(numbers.allSatisfy { 0 <= $0 && $0 < bound })
    #expect(bound == 1 || Set(numbers).count > 1)
  }

  @Test func fractionsAreBelowOne() {
    #expect(UInt64.zero.fraction == 0)
    #expect(UInt64.max.fraction == 1 - 0x1p-53)
    #expect((UInt64(1) << 63).fraction == 0.5)
  }

  /// The published hash of "foobar" (draft-eastlake-fnv).
  @Test func hashesAreThoseOfTheDraft() {
    var hash = FNV1a()
    #expect(hash.value == 0xCBF2_9CE4_8422_2325)
    for byte in "foobar".utf8 { hash.add(UInt64(byte)) }
    #expect(hash.value == 0x8594_4171_F739_67E8)
  }

  @Test func bytesBeginWithTheLeastSignificant() {
    #expect(UInt64(0x0102_0304_0506_0708).littleEndianBytes == [8, 7, 6, 5, 4, 3, 2, 1])
  }
}
