import Basics
import FilterService
import Foundation
import Guard
import ModelRegistry
import Pipeline
import Records
import Settings
import Tensors
import TestSupport
import Testing

@Suite struct RecordProofTests {
  private let exchange = Array(
    #"{"id": "c-1", "prompt": "How do I bake bread?", "response": "With flour."}"#.utf8)

  /// A registry with one model, and the verdict of that model on the exchange.
  private func publish(
    _ folder: String = GoldenCase.url("v3-style").path, policy: Policy = Policy()
  ) throws -> (TemporaryDirectory, ModelRegistry, [UInt8]) {
    let directory = try TemporaryDirectory()
    let registry = ModelRegistry(path: directory.path + "/models")
    let model = try GuardModel(
      settings: ModelSettings(path: folder), pool: WorkerPool(workers: 1))
    try registry.register(
      ModelCandidate(folder: folder, hash: model.hash), by: "test", reason: "test")
    var classification = Classification(model: model, policy: policy, truncates: false)
    let verdict = try #require(try classification.judge([exchange]).first)
    return (directory, registry, verdict)
  }

  private func prove(
    _ registry: ModelRegistry, _ verdict: [UInt8], policies: PolicyBook? = nil
  ) throws -> RecordProof.Finding {
    var proof = RecordProof(
      registry: registry, settings: ModelSettings(path: ""), policies: policies,
      pool: WorkerPool(workers: 1))
    return try proof.prove(exchange: exchange, verdict: verdict)
  }

  /// The verdict with one number or text replaced.
  private func changed(_ verdict: [UInt8], _ key: String, to value: String) throws -> [UInt8] {
    var object = try #require(
      try JSONSerialization.jsonObject(with: Data(verdict)) as? [String: Any])
    object[key] = try JSONSerialization.jsonObject(
      with: Data(value.utf8), options: .fragmentsAllowed)
    return Array(try JSONSerialization.data(withJSONObject: object))
  }

  /// Categories, and what their rules decided, are proven too.
  @Test func categoriesAreProven() throws {
    let folder = try CategoryModel(
      labels: ["harmless", "violence", "hate"], isMultiLabel: true)
    let policy = Policy(
      threshold: 1, categories: ["violence": CategoryRule(threshold: 0, action: .flag)])
    let (directory, registry, verdict) = try publish(folder.path, policy: policy)
    defer { withExtendedLifetime(directory) {} }
    let policies = PolicyBook(standard: policy)
    #expect(try prove(registry, verdict, policies: policies).differences == [])
    let without = try prove(registry, verdict, policies: PolicyBook()).differences
    #expect(without.contains { $0.hasPrefix("decided_by") })
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(verdict)) as? [String: Any])
    #expect(object["decided_by"] as? String == "category:violence")
    #expect((object["categories"] as? [Any])?.count == 3)
    for (key, value) in [
      ("threshold", "0.999"), ("flagged", "false"),
      ("decided_by", #""category:fraud""#), ("decided_by", #""exception:1""#),
    ] {
      let forged = try prove(registry, try self.changed(verdict, key, to: value)).differences
      #expect(forged.contains { $0.hasPrefix("flagged:") }, "\(key) \(value)")
    }
    let other =
      #"[{"name": "violence", "probability": 0.123}, {"name": "hate", "probability": 0},"#
      + #" {"name": "harmless", "probability": 0}]"#
    let changed = try changed(verdict, "categories", to: other)
    let found = try prove(registry, changed, policies: policies).differences
    #expect(found.contains { $0.hasPrefix("category violence: differs by") })
    let missing = try prove(registry, try self.changed(verdict, "categories", to: "[]"))
    #expect(missing.differences.contains("categories: are not the model's"))
  }

  /// What passed as an exception is proven by the exception, and by no other.
  @Test func exceptionsAreProven() throws {
    let (directory, registry, verdict) = try publish(policy: Policy(threshold: 0))
    defer { withExtendedLifetime(directory) {} }
    var passed = try changed(verdict, "flagged", to: "false")
    passed = try changed(passed, "action", to: #""allow""#)
    passed = try changed(passed, "decided_by", to: #""exception:novel""#)
    func policies(_ prompt: String, expires: Int64 = .max) -> PolicyBook {
      let exception = PolicyException(
        name: "novel", contents: [ContentDigest(prompt: prompt, response: "With flour.")],
        expiresAtMilliseconds: expires)
      return PolicyBook(standard: Policy(threshold: 0, exceptions: [exception]))
    }
    let right = policies("How do I bake bread?")
    #expect(try prove(registry, passed, policies: right).differences == [])
    #expect(try prove(registry, passed).differences == [])
    for wrong in [policies("How do I bake a cake?"), policies("How do I bake bread?", expires: 1)] {
      let found = try prove(registry, passed, policies: wrong).differences
      #expect(found.contains("action: the policy's is quarantine"))
    }
    let flagged = try prove(registry, verdict, policies: right).differences
    #expect(flagged.contains { $0.hasPrefix("decided_by: by the policy it is exception:novel") })
  }

  @Test func aPublishedVerdictIsProvenByItsModel() throws {
    let (directory, registry, verdict) = try publish()
    defer { withExtendedLifetime(directory) {} }
    let finding = try prove(registry, verdict, policies: PolicyBook())
    #expect(finding.differences == [])
    #expect(finding.version == (try registry.versions().first))
    #expect(finding.score == finding.publishedScore)
  }

  @Test(arguments: [
    ("response_score", "0.123", "response_score"), ("score", "0.1", "score"),
    ("threshold", "2", "flagged"), ("coverage", #"{"texts": 1, "judged": 1}"#, "coverage"),
    ("flagged", "true", "action"), ("tokens", "3", "tokens"), ("windows", "2", "tokens"),
    ("action", "\"quarantine\"", "action"),
  ])
  func eachForgeryIsFound(key: String, value: String, difference: String) throws {
    let (directory, registry, verdict) = try publish()
    defer { withExtendedLifetime(directory) {} }
    var forged = try changed(verdict, key, to: value)
    let isFlagged =
      String(decoding: verdict, as: UTF8.self).contains("\"flagged\": true")
      || String(decoding: verdict, as: UTF8.self).contains("\"flagged\":true")
    if isFlagged, key == "flagged" { forged = try changed(verdict, key, to: "false") }
    if isFlagged, key == "action" { forged = try changed(verdict, key, to: "\"allow\"") }
    let finding = try prove(registry, forged)
    #expect(
      finding.differences.contains { $0.hasPrefix(difference) }, "\(finding.differences)")
  }

  @Test func thePolicysThresholdAndActionAreProvenToo() throws {
    let (directory, registry, verdict) = try publish()
    defer { withExtendedLifetime(directory) {} }
    let other = PolicyBook(standard: Policy(threshold: 0.75))
    let finding = try prove(registry, verdict, policies: other)
    #expect(finding.differences.contains { $0.hasPrefix("threshold") })
  }

  @Test func aModelThatIsNotThereIsSaid() throws {
    let (directory, registry, verdict) = try publish()
    defer { withExtendedLifetime(directory) {} }
    let foreign = try changed(verdict, "model", to: "\"guard@00000000\"")
    let error = #expect(throws: RecordProof.Failure.self) { try prove(registry, foreign) }
    #expect(error?.description.contains("00000000") == true)
    let nameless = try changed(verdict, "model", to: "\"guard\"")
    #expect(throws: RecordProof.Failure.self) { try prove(registry, nameless) }
  }

  @Test func aVerdictOfAnotherExchangeIsRefused() throws {
    let (directory, registry, verdict) = try publish()
    defer { withExtendedLifetime(directory) {} }
    let other = try changed(verdict, "id", to: "\"c-2\"")
    #expect(throws: RecordProof.Failure.self) { try prove(registry, other) }
  }
}
