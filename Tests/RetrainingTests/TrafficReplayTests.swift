import Basics
import Guard
import Pipeline
import Records
import Retraining
import Settings
import Tensors
import TestSupport
import Testing
import Wire

@Suite struct TrafficReplayTests {
  private static func position(_ number: Int) -> SourcePosition {
    SourcePosition(topic: "in", partition: 0, offset: Int64(number))
  }

  private func sample(_ numbers: some Sequence<Int>, count: Int = 20) -> [Exchange] {
    var sample = TrafficSample(count: count, decoder: ExchangeDecoder(defaultFormat: .json))
    for number in numbers {
      let text = #"{"prompt": "text \#(number)"}"#
      for value in [Array(text.utf8), [0xFF], nil] {
        sample.offer(
          InputRecord(
            source: Self.position(number), key: nil, value: value))
      }
    }
    return sample.exchanges
  }

  @Test func aSampleOfTheTrafficDependsOnPositionsOnly() {
    #expect(sample([]).isEmpty)
    #expect(sample(0..<7).map(\.prompt).sorted() == (0..<7).map { "text \($0)" })
    let some = sample(0..<1_000)
    #expect(some.count == 20 && Set(some.map(\.prompt)).count == 20)
    #expect(sample((0..<1_000).reversed()) == some)
    #expect(some.contains { (Int($0.prompt.dropFirst(5)) ?? 0) > 500 }, "not only the first ones")
    #expect(sample(0..<1_000, count: 1) == [some[0]])
  }

  @Test(arguments: 0..<20)
  func aSampleHasTheSmallestHashesInWhateverOrderTheyCome(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let hashes = (0..<200).map {
      ContentDigest(of: Self.position($0).description.utf8).fraction
    }
    let smallest = (0..<200).sorted { hashes[$0] < hashes[$1] }.prefix(17)
    let found = sample((0..<200).shuffled(using: &generator), count: 17)
    #expect(found.map(\.prompt) == smallest.map { "text \($0)" })
  }

  @Test func changedDecisionsAreCountedByEachTenantsPolicy() throws {
    let pool = WorkerPool(workers: 1)
    func model(_ golden: String) throws -> GuardModel {
      var settings = ModelSettings(path: GoldenCase.url(golden).path)
      settings.windowsMax = 1
      return try GuardModel(settings: settings, pool: pool)
    }
    let (old, new) = (try model("v3-style"), try model("c2p-only-unshared"))
    let exchanges = (0..<100).map { Exchange(prompt: row($0).prompt, tenant: "t\($0 % 2)") }
    func scores(_ model: GuardModel) throws -> [Float] {
      try model.judge(try exchanges.map { try model.sequences(for: $0) }).map(\.score.rawValue)
    }
    let (before, after) = (try scores(old), try scores(new))
    let middle = (before + after).sorted()[100]
    let settings = try Settings(
      yaml: """
        kafka: {bootstrap_servers: "x:1", group_id: g}
        topics: {input: in, verdicts: out, dead_letters: dead}
        model: {path: m}
        policies: {default: {threshold: \(middle)}, strict: {threshold: 1}}
        tenants: {t1: strict}
        """, file: "policies.yaml")
    let long = Exchange(prompt: String(repeating: "long ", count: 5_000))
    let difference = try TrafficReplay(exchanges + [long]).compare(
      champion: old, candidate: new, policies: settings.policies)
    let own = exchanges.indices.filter { $0 % 2 == 0 }
    #expect(difference.exchanges == 100, "what neither can take is not counted")
    #expect(difference.flaggedBefore == own.count { before[$0] >= middle })
    #expect(difference.flaggedAfter == own.count { after[$0] >= middle })
    #expect(
      difference.changed == own.count { (before[$0] >= middle) != (after[$0] >= middle) })
    #expect(difference.changed > 0)
    let same = try TrafficReplay(exchanges).compare(
      champion: old, candidate: old, policies: settings.policies)
    #expect(same.changed == 0 && same.flaggedBefore == same.flaggedAfter)
  }
}
