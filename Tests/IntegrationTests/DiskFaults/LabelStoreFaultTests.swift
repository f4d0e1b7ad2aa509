import Foundation
import LabelStore
import TestSupport
import Testing

/// `sluice retrain` with its label store, an SQLite database, on disks that fail.
@Suite(.serialized) struct LabelStoreFaultTests {
  /// A run that cannot keep the labels says so, and the next one has them all.
  @Test(arguments: [FailingDisk.Fault.full, .broken])
  func labelsAreReadAgain(fault: FailingDisk.Fault) throws {
    let world = try RetrainWorld()
    let rows = RetrainWorld.rows(1_000..<1_060, kind: .invented)
    try world.publishLabels(rows)
    let settings = try world.settingsFile(world.yaml(steps: 2))
    let arguments = ["retrain", "--config", settings, "--leave-champion"]
    let folder = world.directory.path + "/retrain"
    let store = folder + "/labels.sqlite"
    let trial = DiskTrial(arguments, prefix: store, in: world.directory, calls: 3)
    try trial.run(fault, succeeding: [0, 10], words: "labels.sqlite") {
      try? FileManager.default.removeItem(atPath: folder)
    } check: { run, place in
      #expect(world.registry.current == world.champion, place)
      let again = try Command(arguments)
      #expect(
        again.ending == .exited(0) || again.ending == .exited(10), "\(again.error) (\(place))")
      let labels = try LabelStore(path: store, access: .readOnly)
      #expect(try rows.allSatisfy { try labels.placement(of: $0.digest) != nil }, place)
    }
  }
}
