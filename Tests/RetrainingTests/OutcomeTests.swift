import Basics
import Datasets
import Distillation
import Files
import Foundation
import LabelStore
import Learning
import ModelRegistry
import Retraining
import Synchronization
import TestSupport
import Testing

/// How a run ends, for whoever watches files, metrics, exit codes or a command of theirs.
@Suite struct OutcomeTests {
  private let check = GateCheckFile(
    name: "latency", value: 1.5, bound: 1.2, detail: "time", passed: false)

  /// A check as it stands in files.
  private struct GateCheckFile: Encodable {
    let name: String
    let value: Double?
    let bound: Double
    let detail: String
    let passed: Bool
  }

  private func outcome(_ kind: RetrainOutcome.Kind) throws -> RetrainOutcome {
    let checks = try JSONDecoder().decode(
      [GateCheck].self,
      from: JSONEncoder().encode([
        check,
        GateCheckFile(name: "fresh_auprc", value: nil, bound: 0, detail: "none", passed: true),
      ]))
    return RetrainOutcome(
      kind, startedAt: 100, endedAt: 160, champion: ModelVersion("2026-11-23T02-13-05Z-3f9c2a1b"),
      reasons: ["latency: time"], checks: checks, labels: 12)
  }

  @Test(arguments: RetrainOutcome.Kind.allCases)
  func anOutcomeReadsAsItWasWritten(kind: RetrainOutcome.Kind) throws {
    let outcome = try outcome(kind)
    let data = try JSONEncoder().encode(outcome)
    #expect(try JSONDecoder().decode(RetrainOutcome.self, from: data) == outcome)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(
      object.keys.sorted() == [
        "champion", "checks", "ended_at", "labels", "outcome", "reasons", "started_at",
      ])
    #expect(object["outcome"] as? String == kind.rawValue)
  }

  @Test(arguments: RetrainOutcome.Kind.allCases)
  func metricsTellTheOneOutcomeAndWhatWasMeasured(kind: RetrainOutcome.Kind) throws {
    let page = try outcome(kind).metrics
    for other in RetrainOutcome.Kind.allCases {
      let value = other == kind ? 1 : 0
      #expect(
        page.contains("sluice_retrain_last_run_outcome{outcome=\"\(other.rawValue)\"} \(value)"))
    }
    #expect(page.contains("sluice_retrain_last_run_timestamp_seconds 160"))
    #expect(page.contains("sluice_retrain_last_run_duration_seconds 60"))
    #expect(page.contains("sluice_retrain_labels 12"))
    #expect(page.contains(#"sluice_retrain_gate_check_passed{check="latency"} 0"#))
    #expect(page.contains(#"sluice_retrain_gate_check_value{check="latency"} 1.5"#))
    #expect(!page.contains(#"sluice_retrain_gate_check_value{check="fresh_auprc"}"#))
  }

  private static let failures: [(RetrainFailure, Basics.ExitStatus, isResumable: Bool)] = [
    (.busy("x"), .temporary, true), (.stopped, .temporary, true),
    (.configuration("x"), .configuration, true), (.unavailable("x"), .unavailable, true),
    (.dataset(DatasetError(path: "x", line: nil, problem: "y")), .noInput, true),
    (.dataset(DatasetError(path: "x", line: 1, problem: "y")), .data, true),
    (.data("x"), .data, false), (.model("x"), .noInput, false), (.output("x"), .output, true),
    (.store("x"), .software, true), (.training("x"), .software, false),
    (.registry(RegistryError(.system, "x", "disk full")), .output, true),
    (.registry(RegistryError(.busy, "x", "locked")), .unavailable, true),
    (.registry(RegistryError(.damaged, "x", "changed")), .noInput, true),
  ]

  @Test(arguments: failures.indices)
  func aFailureHasItsExitCodeAndOneThatMayPassKeepsTheRun(place: Int) {
    let (failure, status, isResumable) = Self.failures[place]
    #expect(failure.exitStatus == status && failure.isResumable == isResumable)
    #expect(failure == .stopped || failure.description.hasPrefix("x"))
  }

  @Test func whatTheSystemRefusesIsBusyOrAnOutput() {
    #expect(RetrainFailure(FileError(.busy, "p", "locked")) == .busy("p: locked"))
    #expect(RetrainFailure(FileError(.system, "p", "disk full")) == .output("p: disk full"))
    let bad = DatasetError(path: "train", line: 2, problem: "bad")
    let cases: [(LearningFailure, RetrainFailure)] = [
      (.stopped, .stopped), (.data(bad), .data("train:2: bad")), (.tooLittleData("x"), .data("x")),
      (.model("x"), .model("x")), (.output("x"), .output("x")),
      (.training(.diverged(step: 1)), .training(TrainingFailure.diverged(step: 1).description)),
    ]
    for (learning, expected) in cases { #expect(RetrainFailure(learning) == expected) }
  }

  @Test func aLabelStoreThatTheDiskRefusesIsAnOutput() throws {
    let directory = try TemporaryDirectory()
    let nowhere = directory.path + "/none/labels.sqlite"
    let error = #expect(throws: LabelStoreError.self) { try LabelStore(path: nowhere) }
    #expect(error.map(RetrainFailure.init)?.exitStatus == .output)
    let file = directory.path + "/labels.sqlite"
    try Data(repeating: 7, count: 5_000).write(to: URL(filePath: file))
    let damaged = #expect(throws: LabelStoreError.self) { try LabelStore(path: file) }
    #expect(damaged.map(RetrainFailure.init)?.exitStatus == .software)
  }

  private func warnings(of command: [String], secondsMax: Double = 60) -> [String] {
    var warnings: [String] = []
    AfterPromotion(command: command, secondsMax: secondsMax).run { event in
      if case .warning(let text) = event { warnings.append(text) }
    }
    return warnings
  }

  /// The program ignores SIGPIPE; what it starts must not, or its pipes never end.
  @Test func theCommandHasTheSignalsOfAnyOther() throws {
    let before = signal(SIGPIPE, SIG_IGN)
    defer { signal(SIGPIPE, before) }
    let directory = try TemporaryDirectory()
    let script = #"yes | head -n 1 >/dev/null; kill -s PIPE $$; echo alive > "$0""#
    _ = warnings(of: ["bash", "-c", script, directory.path + "/said"])
    #expect(directory.text(of: "said") == "")
  }

  @Test func aCommandOfTheAdministratorIsRunAndItsFailureOnlyTold() throws {
    let directory = try TemporaryDirectory()
    #expect(warnings(of: []) == [])
    #expect(
      warnings(of: ["sh", "-c", #"echo "$1" > "$0""#, directory.path + "/said", "a b"]) == [])
    #expect(directory.text(of: "said") == "a b\n", "arguments are not split")
    #expect(warnings(of: ["sh", "-c", "exit 3"]) == ["after_promotion: sh ended with 3"])
    #expect(warnings(of: ["/none/here"]) == ["after_promotion: /none/here ended with 127"])
    let deaf = #"trap "" TERM; exec sleep 600"#
    #expect(
      warnings(of: ["sh", "-c", deaf], secondsMax: 0) == ["after_promotion: sh took more than 0 s"])
  }
}
