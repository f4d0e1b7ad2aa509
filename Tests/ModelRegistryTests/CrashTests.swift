import Foundation
import ModelRegistry
import TestSupport
import Testing

/// A crash after each single change of a file, in each operation.
@Suite struct RegistryCrashTests {
  enum Operation: String, CaseIterable, CustomTestStringConvertible {
    case register, promote, rollback, prune, update

    var testDescription: String { rawValue }
  }

  /// Versions 1 to 4; 3 is the champion and 2 the one before.
  private func prepare() throws -> (RegistryFixture, [ModelVersion]) {
    let fixture = try RegistryFixture()
    let versions = try (1...4).map { try fixture.register($0) }
    try fixture.registry.promote(versions[0], by: "test", reason: "first")
    try fixture.registry.promote(versions[1], by: "test", reason: "second")
    try fixture.registry.promote(versions[2], by: "test", reason: "third")
    return (fixture, versions)
  }

  private func perform(
    _ operation: Operation, _ registry: ModelRegistry, _ fixture: RegistryFixture,
    _ versions: [ModelVersion]
  ) throws {
    switch operation {
    case .register:
      try registry.register(
        try fixture.candidate(5, bytes: 3 << 20), by: "test", reason: "crash")
    case .promote: try registry.promote(versions[3], by: "test", reason: "crash")
    case .rollback: try registry.rollback(by: "test", reason: "crash")
    case .prune: try registry.prune(keep: 2, by: "test")
    case .update: try registry.update(versions[2]) { $0.description.metrics["f1"] = .number(0.5) }
    }
  }

  @Test(arguments: Operation.allCases)
  func aCrashAfterAnyStepLeavesALoadableChampion(operation: Operation) throws {
    var crashes = 0
    while true {
      let (fixture, versions) = try prepare()
      let point = CrashPoint(after: crashes + 1)
      let registry = ModelRegistry(path: fixture.path, afterStep: point.afterStep)
      let crashed: Bool
      do {
        try perform(operation, registry, fixture, versions)
        crashed = false
      } catch {
        crashed = true
      }
      if !crashed { break }
      crashes += 1
      try checkAfterCrash(fixture.registry, step: crashes)
      try checkRecovery(operation, fixture, versions, step: crashes)
    }
    #expect(crashes >= 4, "the operation has steps to crash after")
  }

  private func checkAfterCrash(_ registry: ModelRegistry, step: Int) throws {
    let current = try #require(registry.current, "step \(step)")
    #expect(try registry.problems(of: current) == [], "step \(step)")
    for version in try registry.versions() {
      #expect(try registry.problems(of: version) == [], "step \(step): half of \(version)")
    }
    let statuses = try registry.versions().map { try registry.manifest(of: $0).status }
    #expect(statuses.filter { $0 == .champion }.count == 1, "step \(step)")
  }

  /// The next writer finds everything in order, and the operation can be done again.
  private func checkRecovery(
    _ operation: Operation, _ fixture: RegistryFixture, _ versions: [ModelVersion], step: Int
  ) throws {
    let registry = fixture.registry
    try registry.update(versions[2]) { $0.reasons.append("after the crash") }
    let names = try FileManager.default.contentsOfDirectory(atPath: registry.path)
    #expect(!names.contains { $0.hasSuffix(".new") }, "step \(step)")
    let current = try #require(registry.current)
    let change = try registry.history().last { $0.action != .register && $0.action != .prune }
    #expect(change?.version == current, "step \(step): the history knows the champion")
    #expect(registry.previous != current, "step \(step)")
    if operation == .promote {
      try registry.promote(versions[3], by: "test", reason: "again")
      #expect(registry.current == versions[3], "step \(step)")
      #expect(registry.previous == versions[2], "step \(step)")
      #expect(try registry.rollback(by: "test", reason: "back") == versions[2], "step \(step)")
    }
  }
}
