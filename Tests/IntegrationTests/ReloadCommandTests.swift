import FilterService
import Foundation
import Glibc
import Kafka
import Pipeline
import Records
import Settings
import StrictJSON
import TestSupport
import Testing
import Wire

/// `sluice reload`, and what it takes up: policies, trials, exceptions and the model.
@Suite(.serialized) struct ReloadCommandTests {
  private let cluster: MockCluster

  init() throws {
    cluster = try MockCluster()
    for topic in ["in", "verdicts", "dead"] { try cluster.createTopic(topic, partitions: 1) }
  }

  private func yaml(
    _ port: UInt16, policies: String, model: String = GoldenCase.url("v3-style").path,
    more: String = ""
  ) -> String {
    """
    kafka: {bootstrap_servers: "\(cluster.bootstrapServers)", group_id: reload-command}
    topics: {input: in, verdicts: verdicts, dead_letters: dead}
    model: {path: \(model), poll_seconds: 0}
    engine: {threads: 1}
    telemetry: {listen: "127.0.0.1:\(port)"}
    policies: \(policies)
    \(more)
    """
  }

  private func start(_ yaml: String) throws -> (DaemonProcess, TemporaryDirectory) {
    let runtime = try TemporaryDirectory()
    let daemon = try DaemonProcess(settings: yaml, environment: ["RUNTIME_DIRECTORY": runtime.path])
    return (daemon, runtime)
  }

  /// Writes other settings, and lets the daemon read them.
  private func reload(
    _ daemon: DaemonProcess, _ runtime: TemporaryDirectory, _ yaml: String
  ) throws -> (Int32, ReloadReport) {
    try Data(yaml.utf8).write(to: URL(filePath: daemon.directory.path + "/sluice.yaml"))
    let command = try command(runtime, "--json")
    let report = try JSONCoder.decode(ReloadReport.self, from: Array(command.output.utf8))
    return (command.code, report)
  }

  private func command(
    _ runtime: TemporaryDirectory, _ more: String...
  ) throws -> (code: Int32, output: String) {
    let directory = try TemporaryDirectory()
    let program = try ChildProcess(
      DaemonProcess.program, ["reload", "--socket", runtime.path + "/control.sock"] + more,
      output: directory.path + "/out")
    guard case .exited(let code) = program.wait(within: .seconds(60)) else { return (-1, "") }
    return (code, directory.text(of: "out"))
  }

  private func send(_ count: Int, metadata: String) throws {
    let producer = try KafkaProducer(
      KafkaConfiguration(bootstrapServers: cluster.bootstrapServers))
    try producer.send(
      (0..<count).map { number in
        OutputRecord(
          topic: "in", partition: Partition(0), key: nil,
          value: Array(
            #"{"id": "\#(number)", "prompt": "How are you?", "metadata": \#(metadata)}"#.utf8))
      }, timeout: .seconds(30))
    try producer.flush(timeout: .seconds(30))
  }

  private func verdicts(_ wanted: Int) throws -> [Verdict] {
    let reader = try KafkaConsumer(
      KafkaConfiguration([
        "bootstrap.servers": cluster.bootstrapServers, "group.id": "reader-\(wanted)",
        "auto.offset.reset": "earliest", "isolation.level": "read_committed",
      ]))
    try reader.subscribe(to: ["verdicts"])
    var records: [InputRecord] = []
    let areThere = comesAbout {
      try? reader.poll(into: &records, max: 500, timeout: .milliseconds(20)) { _ in }
      return records.count >= wanted
    }
    #expect(areThere)
    var decoder = VerdictDecoder()
    return try records.map { try decoder.decode($0.value ?? [], as: .json) }
  }

  private func page(_ port: UInt16) -> String {
    URL(string: "http://127.0.0.1:\(port)/metrics").flatMap {
      try? String(contentsOf: $0, encoding: .utf8)
    } ?? ""
  }

  /// What is tried changes nothing but its counts; what is excepted passes, and says why.
  @Test func trialsCountAndExceptionsPass() throws {
    let port = freeLoopbackPort()
    let exceptions = """
      exceptions:
        smoke: {metadata: {app: smoke}, owner: o, reason: r, expires: 2099-12-31}
        old: {metadata: {app: real}, owner: o, reason: r, expires: 2020-12-31}
      """
    let trying = "{default: {threshold: 1, trials: [strict]}, strict: {threshold: 0}}"
    let (daemon, runtime) = try start(yaml(port, policies: trying, more: exceptions))
    try send(12, metadata: #"{"app": "real"}"#)
    try send(5, metadata: #"{"app": "smoke"}"#)
    #expect(try verdicts(17).allSatisfy { $0.action == .allow && $0.decidedBy == nil })
    let series = #"sluice_trial_verdicts_total{policy="default",trial="strict",action="allow","#
    #expect(comesAbout { page(port).contains(series + "would=\"quarantine\"} 12\n") })
    #expect(page(port).contains(series + "would=\"allow\"} 5\n"))
    #expect(
      page(port).contains(
        "sluice_exception_expiry_timestamp_seconds{exception=\"smoke\"} 4102444800\n"))
    let (code, report) = try reload(
      daemon, runtime, yaml(port, policies: "{default: {threshold: 0}}", more: exceptions))
    #expect(code == 0 && report.policies.outcome == .replaced && !report.needsRestart)
    #expect(report.model.outcome == .unchanged)
    try send(12, metadata: #"{"app": "real"}"#)
    try send(5, metadata: #"{"app": "smoke"}"#)
    let after = try verdicts(34).dropFirst(17)
    #expect(after.filter { $0.action == .quarantine && $0.decidedBy == nil }.count == 12)
    let passed = after.filter { $0.decidedBy == "exception:smoke" }
    #expect(passed.count == 5 && passed.allSatisfy { $0.action == .allow && !$0.flagged })
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
  }

  @Test func theAnswerSaysWhatChangedOrWhyNot() throws {
    let port = freeLoopbackPort()
    let (daemon, runtime) = try start(yaml(port, policies: "{default: {threshold: 0.4}}"))
    let socket = runtime.path + "/control.sock"
    let attributes = try FileManager.default.attributesOfItem(atPath: socket)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    let names = try FileManager.default.contentsOfDirectory(atPath: runtime.path)
    #expect(names == ["control.sock"])

    let same = try command(runtime)
    #expect(same.code == 0 && same.output.contains("policies unchanged: default "))
    #expect(same.output.contains("\nmodel unchanged: v3-style@"))

    let other = GoldenCase.url("absolute-positions").path
    let (code, report) = try reload(
      daemon, runtime,
      yaml(
        port, policies: "{default: {threshold: 0.4}}", model: other, more: "batch: {records_max: 9}"
      ))
    #expect(code == 0 && report.policies.outcome == .unchanged && report.needsRestart)
    #expect(report.model.outcome == .replaced)
    #expect(report.model.detail.hasPrefix("absolute-positions@"))

    let (missing, refused) = try reload(
      daemon, runtime, yaml(port, policies: "{default: {threshold: 0.6}}", model: "/nowhere"))
    #expect(missing == 66 && refused.policies.outcome == .replaced)
    #expect(refused.model.outcome == .refused && refused.model.detail.contains("nowhere"))

    let (wrong, mistakes) = try reload(
      daemon, runtime, yaml(port, policies: "{default: {treshold: 1}}"))
    #expect(wrong == 78 && mistakes.policies.outcome == .refused)
    #expect(mistakes.policies.detail.contains("did you mean threshold?"))
    #expect(
      mistakes.model == ReloadReport.Part(.unchanged, report.model.detail), "the last good one")
    #expect(page(port).contains("sluice_settings_reloads_total{outcome=\"refused\"} 1\n"))

    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    #expect(!FileManager.default.fileExists(atPath: socket))
    let gone = try command(runtime)
    #expect(gone.code == 69 && gone.output.contains("no daemon answers there"), "\(gone)")
    // A socket that a killed daemon left.
    try Data().write(to: URL(filePath: socket))
    let left = try command(runtime)
    #expect(left.code == 69 && left.output.contains("Connection refused"), "\(left)")
  }

  /// Rules for categories and the model that has them come together, and neither without the other.
  @Test func rulesComeWithTheModelThatTheyAreFor() throws {
    let port = freeLoopbackPort()
    let folder = try CategoryModel(labels: ["harmless", "violence", "hate"], isMultiLabel: true)
    let (daemon, runtime) = try start(yaml(port, policies: "{default: {threshold: 0.4}}"))
    let rules = "{default: {threshold: 1, categories: {violence: {threshold: 0}}}}"
    let (alone, refused) = try reload(daemon, runtime, yaml(port, policies: rules))
    #expect(alone == 78 && refused.policies.outcome == .refused)
    #expect(refused.policies.detail.contains("the model has no categories"))
    let (code, report) = try reload(
      daemon, runtime, yaml(port, policies: rules, model: folder.path))
    #expect(code == 0 && report.policies.outcome == .replaced && report.model.outcome == .replaced)
    try send(3, metadata: "{}")
    #expect(try verdicts(3).allSatisfy { $0.decidedBy == "category:violence" })
    let (back, stays) = try reload(daemon, runtime, yaml(port, policies: rules))
    #expect(back != 0 && stays.model.outcome == .refused)
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
  }

  /// A socket that an earlier process left does not keep the next one from listening.
  @Test func aSocketThatWasLeftIsReplaced() throws {
    let port = freeLoopbackPort()
    let (daemon, runtime) = try start(yaml(port, policies: "{default: {}}"))
    daemon.process.kill()
    #expect(FileManager.default.fileExists(atPath: runtime.path + "/control.sock"))
    // Of another group, which does not wait for the one that was killed.
    let other = yaml(port, policies: "{default: {}}").replacing("reload-command", with: "another")
    let next = try DaemonProcess(
      settings: other,
      environment: ["RUNTIME_DIRECTORY": runtime.path])
    #expect(try command(runtime).code == 0)
    #expect(next.process.stop(within: .seconds(30)) == .exited(0), "\(next.log)")
  }
}
