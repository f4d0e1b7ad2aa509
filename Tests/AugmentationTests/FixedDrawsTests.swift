import Augmentation
import Testing

/// Draws that outlive a run: stored data and resumed work depend on them, so they never change.
@Suite struct FixedDrawsTests {
  @Test func seedsAndExamplesOfAnInstruction() {
    let seeds = SeedSequence(seed: 7)
    #expect(
      (0..<3).map { seeds.requestSeed($0, .instruction) } == [2713725404, 1120188688, 2401513945])
    #expect(
      RequestKind.allCases.map { seeds.requestSeed(9, $0) } == [
        2762303548, 806701555, 4131541031, 3017746145, 3793853056, 626441498, 793637688, 2952683819,
        2457977467,
      ])
    #expect(seeds.draw(5, below: 100, for: 0) == [2, 81, 18, 37, 14])
    #expect(seeds.draw(5, below: 6, for: 1) == [0, 2, 1, 4, 5])
  }
}
