import Basics
import Datasets
import LabelStore
import Records
import Retraining
import Settings
import TestSupport
import Testing

/// What a run learns from, and what it must never learn.
@Suite struct RetrainDatasetTests {
  private let directory: TemporaryDirectory
  private let store: LabelStore

  init() throws {
    directory = try TemporaryDirectory()
    store = try LabelStore(path: directory.path + "/labels.sqlite")
  }

  private func label(_ numbers: Range<Int>) throws {
    let labels = numbers.map { number in
      let row = row(number, isUnsafe: number % 2 == 0)
      return TeacherLabel(
        id: "x\(number)", contentDigest: row.digest.bytes, prompt: row.prompt,
        teacherScore: Score(row.isUnsafe ? 0.9 : 0.1), isUnsafe: row.isUnsafe, teacher: "t",
        templateDigest: ContentDigest(of: [1]).bytes, inclusionProbability: 1,
        stratum: "random", labelledAtMilliseconds: 1_000)
    }
    try store.save(labels, timeToLiveMilliseconds: nil, isPublished: true)
  }

  private func dataset(
    _ settings: String, gold: [LabelledExample] = [], seed: UInt64 = 1
  ) throws -> RetrainDataset {
    let retrain = try retrainSettings("gate: {gold: g}", "dataset: {\(settings)}")
    return try RetrainDataset(
      store: store, settings: retrain.dataset, gold: gold, nowMilliseconds: 2_000, seed: seed)
  }

  @Test func rowsOfTheGoldSetAndNearlyEqualOnesNeverTrain() throws {
    try label(0..<60)
    let old = try write((100..<140).map { row($0) }, to: "old", in: directory)
    var changed = row(101)
    changed.prompt += "!"
    let gold = [row(0), row(1), row(100), changed]
    let all = try dataset("replay: \(old)")
    let clean = try dataset("replay: \(old)", gold: gold)
    let left = clean.train + clean.validation + clean.fresh
    for number in [0, 1, 100, 101] {
      #expect(!left.contains { $0.prompt == row(number).prompt }, "\(number)")
    }
    #expect(clean.summary.leaks == 4)
    let total = Set((all.train + all.validation + all.fresh).map(\.prompt))
    #expect(Set(left.map(\.prompt)).count == total.count - 4, "and nothing else goes")
  }

  @Test func whatCalibratesNeverTrainsWhateverTheSeed() throws {
    let old = try write((100..<400).map { row($0) }, to: "old", in: directory)
    var trained: Set<String> = []
    var calibrated: Set<String> = []
    for seed in UInt64(1)...4 {
      let dataset = try dataset("replay: \(old), replay_rows_max: 150", seed: seed)
      #expect(dataset.summary.replayRows + dataset.validation.count == 150)
      trained.formUnion(dataset.train.map(\.prompt))
      calibrated.formUnion(dataset.validation.map(\.prompt))
    }
    #expect(trained.isDisjoint(with: calibrated))
    #expect(trained.count + calibrated.count > 250, "each run draws others")
  }

  @Test func theSameSeedDrawsTheSameRows() throws {
    try label(0..<30)
    let old = try write((100..<200).map { row($0) }, to: "old", in: directory)
    let first = try dataset("replay: \(old), replay_rows_max: 50")
    #expect(try dataset("replay: \(old), replay_rows_max: 50").summary == first.summary)
    #expect(try dataset("replay: \(old), replay_rows_max: 50", seed: 2).summary != first.summary)
  }

  @Test func labelsComeAgainUntilTheyHaveTheirShare() throws {
    try label(0..<30)
    let old = try write((100..<300).map { row($0) }, to: "old", in: directory)
    let few = try dataset("replay: \(old), label_share: 0.3, label_repeats_max: 10")
    let share = Double(few.summary.labels * few.summary.labelRepeats) / Double(few.train.count)
    #expect(few.summary.labelRepeats > 1 && few.summary.labelRepeats < 10)
    #expect(abs(share - 0.3) < 0.1)
    let capped = try dataset("replay: \(old), label_share: 0.9, label_repeats_max: 2")
    #expect(capped.summary.labelRepeats == 2)
    #expect(try dataset("label_share: 0.9").summary.labelRepeats == 1, "there is nothing else")
  }

  @Test func aMissingFileIsAMistakeInTheSettings() throws {
    #expect(throws: RetrainFailure.self) { try dataset("replay: /nowhere.jsonl") }
  }
}
