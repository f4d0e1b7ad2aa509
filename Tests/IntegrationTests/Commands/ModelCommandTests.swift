import Foundation
import ModelRegistry
import TestSupport
import Testing

/// The commands of `sluice model` on a registry of their own.
@Suite struct ModelCommandTests {
  private let directory: TemporaryDirectory
  private var models: String { directory.path + "/models" }

  init() throws { directory = try TemporaryDirectory() }

  private func model(_ arguments: [String]) throws -> Command {
    try Command(["model"] + arguments + ["--models", models])
  }

  private func register(_ folder: String = "v3-style") throws -> String {
    let run = try model(["register", GoldenCase.url(folder).path, "--reason", "a trial"])
    #expect(run.ending == .exited(0), "\(run.error)")
    return run.output.trimmingCharacters(in: .newlines)
  }

  @Test func versionsAreKeptShownAndRemoved() throws {
    let first = try register()
    let second = try register("c2p-only-unshared")
    #expect(try model(["promote", first]).output == "\(first) is the champion\n")
    #expect(try model(["promote", second]).output == "\(second) is the champion\n")

    let list = try model(["list"])
    #expect(list.lines.count == 3 || list.lines.count == 4, "\(list.output)")
    #expect(list.output.contains("previous"))
    let entries = try model(["list", "--json"]).objects()
    #expect(entries.compactMap { $0["version"] as? String }.sorted() == [first, second].sorted())
    let current = entries.first { $0["current"] as? Bool == true }
    #expect(current?["version"] as? String == second)
    #expect(current?["status"] as? String == "champion")

    let show = try model(["show"])
    #expect(show.ending == .exited(0), "\(show.error)")
    #expect(show.output.contains(second) && show.output.contains("a trial"), "\(show.output)")
    #expect(try model(["show", "previous", "--json"]).objects().count == 1)

    #expect(try model(["rollback"]).output == "\(first) is the champion\n")
    let third = try register("absolute-positions")
    let prune = try model(["prune", "--keep", "0"])
    #expect(prune.output == "removed \(third)\n", "\(prune.output)")
  }

  @Test func damageIsFound() throws {
    let version = try register()
    let good = try model(["verify"])
    #expect(good.ending == .exited(0))
    #expect(good.output == "\(version)  ok\n")

    let file = "\(models)/\(version)/config.json"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
    try Data((text + " ").utf8).write(to: URL(filePath: file))
    let bad = try model(["verify", version, "--json"])
    #expect(bad.ending == .exited(65))
    let finding = try #require(try bad.objects().first)
    #expect(finding["ok"] as? Bool == false)
    #expect("\(finding["problems"] ?? "")".contains("config.json"))
    #expect(try model(["promote", version]).ending == .exited(66))
  }

  @Test func verdictsAreProvenByTheModelThatTheyName() throws {
    _ = try register()
    let exchange = #"{"id": "c-1", "prompt": "How do I bake bread?", "response": "With flour."}"#
    let verdict = try Command(
      ["classify", "--model", GoldenCase.url("v3-style").path], input: exchange
    ).output
    let file = directory.path + "/record"
    try Data((exchange + "\n" + verdict).utf8).write(to: URL(filePath: file))
    let proof = try model(["verify", "--record", file])
    #expect(proof.ending == .exited(0), "\(proof.output)\(proof.error)")
    #expect(proof.output.contains("proven"))

    let other = exchange.replacing("bread", with: "stones")
    try Data((exchange + "\n" + verdict + other + "\n" + verdict).utf8).write(
      to: URL(filePath: file))
    let refuted = try model(["verify", "--record", file, "--json"])
    #expect(refuted.ending == .exited(65))
    #expect(try refuted.objects().map { $0["ok"] as? Bool } == [true, false])
    #expect(try refuted.objects().map { $0["line"] as? Int } == [1, 3])

    try Data(exchange.utf8).write(to: URL(filePath: file))
    #expect(try model(["verify", "--record", file]).ending == .exited(65))
  }

  @Test(
    arguments: [
      (["promote", "none"], 66), (["show"], 66), (["show", "previous"], 66),
      (["rollback"], 65), (["register", "/none"], 66), (["verify", "none"], 66),
      (["verify", "--record", "/none"], 66), (["prune", "--keep", "-1"], 64),
      (["verify", "--config", "/none"], 64), (["verify", "v", "--record", "/none"], 64),
    ] as [([String], Int32)])
  func whatCannotBeDoneIsSaid(arguments: [String], code: Int32) throws {
    let run = try model(arguments)
    #expect(run.ending == .exited(code), "\(run.output)\(run.error)")
    #expect(!run.error.isEmpty)
  }
}
