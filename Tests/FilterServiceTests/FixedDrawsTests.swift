import FilterService
import Records
import Testing

/// Draws that outlive a run: stored data and resumed work depend on them, so they never change.
@Suite struct FixedDrawsTests {
  @Test func fractionsOfPositions() {
    let positions = [
      SourcePosition(topic: "exchanges", partition: 0, offset: 0),
      SourcePosition(topic: "exchanges", partition: 0, offset: 1),
      SourcePosition(topic: "exchanges", partition: 11, offset: 123_456_789_012),
      SourcePosition(topic: "é", partition: 2_147_483_647, offset: 9_223_372_036_854_775_807),
    ]
    #expect(
      positions.map(\.fraction) == [
        0.9537130567324208, 0.5304731591872536, 0.2907886263242445, 0.6085277465525825,
      ])
  }
}
