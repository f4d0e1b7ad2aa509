import Foundation
import ModelRegistry
import TestSupport
import Testing

/// The real program changing a registry, killed at any moment.
@Suite struct RegistryKillTests {
  @Test(arguments: [1, 2] as [UInt64])
  func aKilledWriterLeavesAChampionAndAnOrderlyRegistry(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let directory = try TemporaryDirectory()
    let registry = ModelRegistry(path: directory.path + "/models")
    var versions: [ModelVersion] = []
    for number in 1...2 {
      let folder = "\(directory.path)/source-\(number)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try Data(repeating: UInt8(number), count: 100_000).write(
        to: URL(filePath: "\(folder)/model.safetensors"))
      var candidate = ModelCandidate(folder: folder, hash: "0000000\(number)00000000")
      candidate.createdAt = Date(timeIntervalSince1970: 1_764_000_000 + Double(number))
      versions.append(try registry.register(candidate, by: "test", reason: "test").version)
      try registry.promote(versions[number - 1], by: "test", reason: "test")
    }
    let arguments = ["model", "rollback", "--models", registry.path]
    let start = ContinuousClock.now
    let whole = try ChildProcess(DaemonProcess.program, arguments)
    #expect(whole.wait(within: .seconds(60)) == .exited(0))
    let microseconds = Int((ContinuousClock.now - start) / .microseconds(1))

    var killed = 0
    for round in 0..<40 {
      let victim = try ChildProcess(DaemonProcess.program, arguments)
      let moment = Int.random(in: microseconds / 4...microseconds * 5 / 4, using: &random)
      usleep(UInt32(moment))  // sleeps: the kill comes at any moment of the work
      if victim.kill() == .killed(signal: 9) { killed += 1 }
      let current = try #require(registry.current, "seed \(seed), round \(round)")
      #expect(versions.contains(current), "seed \(seed), round \(round)")
      #expect(try registry.problems(of: current) == [], "seed \(seed), round \(round)")
    }
    #expect(killed > 0, "seed \(seed): every run ended before it was killed")
    try registry.update(versions[0]) { $0.reasons = ["the next writer"] }
    let changes = try registry.history().filter { $0.action != .register }
    #expect(changes.last?.version == registry.current, "seed \(seed)")
    #expect(registry.previous != registry.current, "seed \(seed)")
    let names = try FileManager.default.contentsOfDirectory(atPath: registry.path)
    #expect(!names.contains { $0.hasSuffix(".new") }, "seed \(seed)")
  }
}
