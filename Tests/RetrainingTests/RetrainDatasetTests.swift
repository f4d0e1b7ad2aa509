import Basics
import Datasets
import LabelStore
import Retraining
import Settings
import TestSupport
import Testing

@Suite struct RetrainDatasetTests {
  private let directory: TemporaryDirectory
  private let settings: RetrainDatasetSettings
  private let gold = rows(10, from: 5_000)

  init() throws {
    directory = try TemporaryDirectory()
    settings = try #require(try directory.settings().retrain).dataset
  }

  private func dataset(
    _ labels: [Split: [LabelledExample]], old: [LabelledExample] = [],
    _ change: (inout RetrainDatasetSettings) -> Void = { _ in }, seed: UInt64 = 1
  ) throws -> RetrainDataset {
    var settings = settings
    change(&settings)
    let file = try directory.write(old, to: "old")
    return RetrainDataset(
      labels: labels, old: try ExampleFiles([file]), gold: gold, settings: settings, seed: seed)
  }

  private func digests(_ rows: [LabelledExample]) -> Set<ContentDigest> { Set(rows.map(\.digest)) }

  @Test func aFilterKnowsARowAndWhatIsNearlyOne() {
    var filter = LeakFilter(rows(3))
    for row in rows(3) { #expect(filter.holds(row) && filter.holds(row.changedALittle)) }
    var answered = row(0)
    answered.response = "Certainly: first warm the oven, then weigh the flour and the salt."
    #expect(!filter.holds(row(3)) && !filter.holds(answered))
    filter.add([row(3)])
    #expect(filter.holds(row(3)))
    #expect(!LeakFilter().holds(row(0)))
  }

  @Test func noPartHasRowsOfTheGoldSetOrNearly() throws {
    let leaks = gold + gold.map(\.changedALittle)
    let own = rows(40)
    let data = try dataset(
      [.train: rows(5, from: 100) + leaks, .validation: leaks, .test: leaks], old: own + leaks)
    let all = digests(data.train + data.validation + data.fresh)
    #expect(all.isDisjoint(with: digests(leaks)))
    #expect(all == digests(own + rows(5, from: 100)))
    #expect(data.summary.leaks == leaks.count)
  }

  /// A file of old examples may hold what the label store keeps for test or calibration.
  @Test func whatTestsOrCalibratesNeverTrainsWhereverItComesFrom() throws {
    let test = rows(20, from: 1_000)
    let validation = rows(20, from: 2_000)
    let heldOut = test + validation
    let old = rows(40) + heldOut + heldOut.map(\.changedALittle)
    let data = try dataset(
      [.train: heldOut, .validation: validation + test, .test: test], old: old)
    #expect(digests(data.fresh) == digests(test))
    #expect(digests(data.validation).isDisjoint(with: digests(test + test.map(\.changedALittle))))
    #expect(digests(data.validation).isSuperset(of: digests(validation)))
    let training = digests(data.train)
    #expect(training.isDisjoint(with: digests(heldOut + heldOut.map(\.changedALittle))))
    #expect(training.isDisjoint(with: digests(data.validation + data.fresh)))
    #expect(digests(data.train + data.validation + data.fresh).isSuperset(of: digests(rows(40))))
  }

  @Test(arguments: [
    // share, repeats at most, rows that come, times that they come
    (0.0, 4, 10, 1), (0.5, 4, 10, 4), (0.5, 100, 10, 9), (0.5, 100, 90, 1), (0.5, 100, 91, 1),
    (1.0, 7, 10, 7), (0.3, 1, 10, 1), (0.5, 4, 0, 1),
  ])
  func labelsComeAgainUntilTheyAreTheirShare(share: Double, max: Int, new: Int, times: Int) throws {
    let old = rows(90) { $0.digest.fraction >= 0.1 }
    let data = try dataset([.train: rows(new, from: 3_000)], old: old) {
      $0.labelShare = share
      $0.labelRepeatsMax = max
    }
    #expect(data.summary.labelRepeats == times)
    #expect(data.train.count == 90 + new * times && data.summary.trainRows == data.train.count)
    #expect(data.summary.labels == new && data.summary.replayRows == 90)
  }

  @Test func labelsAloneComeOnce() throws {
    let data = try dataset([.train: rows(10, from: 3_000)]) { $0.labelShare = 0.9 }
    #expect(data.summary.labelRepeats == 1 && data.train.count == 10)
  }

  @Test func whatCalibratesNeverTrainsWhateverTheSeed() throws {
    let old = rows(300)
    var trained: Set<ContentDigest> = []
    var calibrated: Set<ContentDigest> = []
    for seed in UInt64(1)...4 {
      let data = try dataset([:], old: old, { $0.replayRowsMax = 150 }, seed: seed)
      #expect(data.train.count + data.validation.count == 150)
      trained.formUnion(digests(data.train))
      calibrated.formUnion(digests(data.validation))
    }
    #expect(trained.isDisjoint(with: calibrated))
    #expect(trained.count + calibrated.count > 250, "each run draws others")
  }

  @Test func oldExamplesAreDrawnByTheSeed() throws {
    let old = rows(60)
    let few = { (settings: inout RetrainDatasetSettings) in settings.replayRowsMax = 20 }
    let first = try dataset([:], old: old, few)
    #expect(first.train.count + first.validation.count == 20)
    #expect(first.validation.allSatisfy { $0.digest.fraction < 0.1 })
    #expect(try dataset([:], old: old, few).summary == first.summary)
    let reversed = try dataset([:], old: old.reversed(), few)
    #expect(digests(reversed.train) == digests(first.train), "whatever their order in the file")
    let other = try dataset([:], old: old, few, seed: 2)
    #expect(digests(other.train) != digests(first.train))
    #expect(first.summary.replayDigests.keys.sorted() == ["old.jsonl"])
    #expect(try dataset([:], old: old) { $0.replayRowsMax = 0 }.train.isEmpty)
  }

  @Test func aTenantsLabelsAreCapped() throws {
    let store = try LabelStore(
      path: directory.path + "/labels.sqlite", shares: SplitShares(validation: 0, test: 0))
    let labels =
      rows(40).map { $0.label(tenant: "flood") }
      + rows(10, from: 100).enumerated().map { $1.label(tenant: "tenant-\($0)") }
    try store.save(labels, timeToLiveMilliseconds: nil, isPublished: true)
    var settings = settings
    settings.labelsPerTenantMax = 5
    let capped = try RetrainDataset.labels(of: store, settings, nowMilliseconds: 2_000, seed: 1)
    #expect(capped[.train]?.count { $0.tenant == "flood" } == 5)
    #expect(capped[.train]?.count == 15)
    #expect(capped[.validation] == [] && capped[.test] == [])
  }

  @Test func aMissingFileOfOldExamplesIsAMissingInput() {
    let error = #expect(throws: RetrainFailure.self) { try ExampleFiles(["/none.jsonl"]) }
    #expect(error?.exitStatus == .noInput && error?.isResumable == true)
  }
}
