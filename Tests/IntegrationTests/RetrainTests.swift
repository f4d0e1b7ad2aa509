import Foundation
import LabelStore
import ModelRegistry
import TestSupport
import Testing

/// `sluice retrain` as a timer runs it, on labels that a test publishes.
@Suite("A retraining", .serialized) struct RetrainTests {
  @Test("on good labels makes a better model the champion, and then has nothing to do")
  func promotes() throws {
    let world = try RetrainWorld()
    try world.publishLabels(RetrainWorld.rows(1_000..<1_160, kind: .invented))
    let settings = try world.settingsFile(world.yaml())
    #expect(try world.retrain(settings) == .exited(0), "\(world.log)")

    let outcome = try #require(world.outcome)
    #expect(outcome.kind == .promoted)
    #expect(outcome.champion == world.champion)
    #expect(outcome.checks.count >= 8)
    #expect(outcome.checks.allSatisfy { $0.isPassed })
    let version = try #require(outcome.version)
    #expect(world.registry.current == version)
    #expect(world.registry.previous == world.champion)
    let manifest = try world.registry.manifest(of: version)
    #expect(manifest.description.parent == world.champion)
    #expect(manifest.description.calibration != nil)
    #expect(try world.registry.problems(of: version) == [])
    #expect(world.directory.text(of: "retrain.prom").contains(#"outcome="promoted"} 1"#))
    try noTextIsLeft(world)

    #expect(try world.retrain(settings) == .exited(0), "\(world.log)")
    #expect(world.outcome?.kind == .skipped)
    #expect(world.registry.current == version)
  }

  @Test("on a full disk cannot be written, and goes on when there is room")
  func fullDisk() throws {
    let world = try RetrainWorld()
    try world.publishLabels(RetrainWorld.rows(1_000..<1_160, kind: .invented))
    let settings = try world.settingsFile(world.yaml())
    // No room for the labels, then none for a checkpoint.
    for (kibibytesMax, file) in [(60, "labels.sqlite"), (2_000, "candidate.training/")] {
      #expect(
        try world.retrain(settings, kibibytesMax: kibibytesMax) == .exited(73), "\(world.log)")
      let outcome = try #require(world.outcome)
      #expect(outcome.kind == .failed && outcome.reasons.contains { $0.contains(file) })
      #expect(world.registry.current == world.champion)
    }
    #expect(try world.retrain(settings) == .exited(0), "\(world.log)")
    #expect(world.outcome?.kind == .promoted)
    #expect(world.log.contains("going on with the run of"))
    try noTextIsLeft(world)
  }

  /// Texts live in the label store, where they can be erased, and nowhere else when a run is over.
  private func noTextIsLeft(_ world: RetrainWorld) throws {
    let runs = world.directory.path + "/retrain/runs"
    let files = try #require(FileManager.default.enumerator(atPath: runs))
    let names = files.compactMap { ($0 as? String)?.split(separator: "/").last.map(String.init) }
    #expect(names.contains("outcome.json"))
    #expect(!names.contains { $0.hasSuffix(".jsonl") || $0.hasSuffix(".safetensors") })
  }

  @Test("on labels that an attacker made is refused by the gate, and the champion stays")
  func refusesPoison() throws {
    let world = try RetrainWorld()
    // The flood is of one tenant, and the cap on tenants is off: the gold set alone must hold.
    try world.publishLabels(
      RetrainWorld.rows(1_000..<1_400, kind: .everyday), lies: true, tenant: "attacker")
    let settings = try world.settingsFile(
      world.yaml().replacing("label_share: 0.3", with: "label_share: 1"))
    #expect(try world.retrain(settings) == .exited(10), "\(world.log)")

    let outcome = try #require(world.outcome)
    #expect(outcome.kind == .rejected)
    #expect(!outcome.reasons.isEmpty)
    #expect(outcome.checks.contains { $0.name.hasPrefix("gold") && !$0.isPassed })
    #expect(world.registry.current == world.champion)
    let version = try #require(outcome.version)
    #expect(try world.registry.manifest(of: version).status == .rejected)
    #expect(throws: RegistryError.self) {
      try world.registry.promote(version, by: "test", reason: "in spite of the gate")
    }
    #expect(world.directory.text(of: "retrain.prom").contains(#"outcome="rejected"} 1"#))
    #expect(
      world.directory.text(of: "retrain.prom").contains(
        #"sluice_retrain_gate_check_passed{check="gold_auprc"} 0"#))
  }

  @Test("keeps a flood of one tenant small by the caps alone")
  func capsAFlood() throws {
    let world = try RetrainWorld()
    try world.publishLabels(RetrainWorld.rows(1_000..<1_160, kind: .invented))
    try world.publishLabels(
      RetrainWorld.rows(3_000..<3_400, kind: .everyday), lies: true, tenant: "attacker")
    let settings = try world.settingsFile(
      world.yaml().replacing("share_per_tenant_max: 1", with: "share_per_tenant_max: 0.125"))
    #expect(try world.retrain(settings, ["--leave-champion"]) == .exited(0), "\(world.log)")
    let outcome = try #require(world.outcome)
    #expect(outcome.kind == .registered)
    // 400 lies came; near-duplicates and the cap leave about an eighth of the rest.
    #expect(outcome.labels < 200)
    #expect(world.registry.current == world.champion)
  }

  @Test("is refused while another one is at work, without champion, and with another gold set")
  func refusesBadStarts() throws {
    let world = try RetrainWorld()
    try world.publishLabels(RetrainWorld.rows(1_000..<1_060, kind: .invented))
    let settings = try world.settingsFile(world.yaml(steps: 100_000))
    let first = try ChildProcess(DaemonProcess.program, ["retrain", "--config", settings])
    let folder = world.directory.path + "/retrain/runs"
    #expect(comesAbout { FileManager.default.fileExists(atPath: folder) })
    #expect(try world.retrain(settings) == .exited(75), "\(world.log)")
    #expect(first.stop(within: .seconds(60)) == .exited(75))
    #expect(world.outcome == nil, "a run that was stopped has no outcome yet")

    try world.write(RetrainWorld.rows(0..<40, kind: .everyday), to: "gold")
    #expect(try world.retrain(settings) == .exited(78), "\(world.log)")
    #expect(world.outcome?.reasons.first?.contains("gold") == true)
    let empty = try world.settingsFile(
      world.yaml().replacing(world.registry.path, with: world.directory.path + "/none"))
    #expect(try world.retrain(empty) == .exited(78), "\(world.log)")
  }
}
