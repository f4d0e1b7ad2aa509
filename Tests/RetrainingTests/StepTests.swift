import Basics
import Retraining
import TestSupport
import Testing

/// The small steps: the sample of the traffic, and the command after a promotion.
@Suite struct StepTests {
  @Test(arguments: 0..<20)
  func aSampleDoesNotDependOnTheOrder(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let hashes = (0..<200).map { ContentDigest(of: Array("\($0)".utf8)) }
    func sample(_ order: [Int]) -> [Int] {
      var sample = SmallestHashes<Int>(count: 17)
      for number in order { sample.offer(number, hash: hashes[number]) }
      return sample.elements
    }
    let expected = (0..<200).sorted { hashes[$0].fraction < hashes[$1].fraction }.prefix(17)
    #expect(sample((0..<200).shuffled(using: &generator)) == Array(expected))
    #expect(sample(Array(0..<5)).count == 5)
  }

  private func warnings(_ command: [String]) -> [String] {
    var warnings: [String] = []
    AfterPromotion(command: command).run { event in
      if case .warning(let text) = event { warnings.append(text) }
    }
    return warnings
  }

  @Test func aCommandsFailureIsToldAndNothingMore() throws {
    let directory = try TemporaryDirectory()
    #expect(warnings([]) == [])
    #expect(warnings(["sh", "-c", "echo done > \(directory.path)/ran"]) == [])
    #expect(directory.text(of: "ran") == "done\n")
    #expect(warnings(["sh", "-c", "exit 3"]) == ["after_promotion: sh ended with 3"])
    #expect(warnings(["no-such-program"]) == ["after_promotion: no-such-program ended with 127"])
  }
}
