import Foundation
import LabelStore
import ModelRegistry
import TestSupport
import Testing

/// `sluice retrain`, killed again and again at any moment.
@Suite(.serialized) struct RetrainKillTests {
  private static let kills = 50

  @Test("Kills leave no half model and no lost label, and the next run comes to its end")
  func killsChangeNothing() throws {
    let world = try RetrainWorld()
    let rows = RetrainWorld.rows(1_000..<1_160, kind: .invented)
    try world.publishLabels(rows)
    let settings = try world.settingsFile(world.yaml(steps: 60))
    let arguments = ["retrain", "--config", settings]
    var random = SeededGenerator(seed: 7)
    var killed = 0
    var rounds = 0
    while killed < Self.kills {
      rounds += 1
      try #require(rounds < 4 * Self.kills, "too many runs ended before they were killed")
      let victim = try ChildProcess(
        DaemonProcess.program, arguments, output: world.directory.path + "/retrain.log")
      // Early kills hit the reading of labels and the dataset, later ones training and the gate.
      let wait = UInt32.random(in: 20_000...2_500_000, using: &random)
      _ = victim.wait(within: .microseconds(Int64(wait)))
      guard victim.kill() == .killed(signal: 9) else {
        // A run came to its end between the kills: more labels make another one.
        try world.publishLabels(
          RetrainWorld.rows(10_000 + rounds * 100..<10_060 + rounds * 100, kind: .invented))
        continue
      }
      killed += 1
      try check(world, "after \(killed) kills")
    }
    let ending = try world.retrain(settings, ["--force"])
    #expect(ending == .exited(0) || ending == .exited(10), "\(world.log.suffix(2_000))")
    try check(world, "at the end")
    #expect(try world.registry.versions().count >= 2)
    let store = try LabelStore(
      path: world.directory.path + "/retrain/labels.sqlite", access: .readOnly)
    let sent = Set(rows.map(\.digest))
    let known = try sent.filter { try store.placement(of: $0) != nil }
    #expect(known == sent, "a label was lost")
    let names = try FileManager.default.contentsOfDirectory(atPath: world.registry.path)
    #expect(!names.contains { $0.hasSuffix(".new") })
  }

  /// Whoever looks at the registry sees a whole champion.
  private func check(_ world: RetrainWorld, _ moment: Comment) throws {
    let current = try #require(world.registry.current, moment)
    #expect(try world.registry.problems(of: current) == [], moment)
  }
}
