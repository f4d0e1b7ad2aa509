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

  /// A BERT with a tokenizer of letters.
  private func bert() throws -> URL {
    let folder = URL(filePath: directory.path + "/bert")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for name in ["config.json", "model.safetensors"] {
      let data = try Data(contentsOf: GoldenCase.url("bert").appending(path: name))
      try data.write(to: folder.appending(path: name))
    }
    let letters = (UInt8(ascii: "a")...UInt8(ascii: "z")).map { String(Unicode.Scalar($0)) }
    let pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + letters + letters.map { "##" + $0 }
    try Data(pieces.joined(separator: "\n").utf8).write(to: folder.appending(path: "vocab.txt"))
    let description = #"{"unsafe_labels": ["LABEL_0"], "made_by": "us"}"#
    try Data(description.utf8).write(to: folder.appending(path: "sluice.json"))
    try Data("\n".utf8).write(to: folder.appending(path: "selftest.jsonl"))
    return folder
  }

  private func score(_ folder: String) throws -> Double {
    let exchange = #"{"prompt": "how are you", "response": "well"}"#
    // Narrower numbers round the converted weights, which are scaled, in another way.
    let run = try Command(
      ["classify", "--model", folder, "--precision", "fp32"], input: exchange)
    #expect(run.ending == .exited(0), "\(run.error)")
    return try #require(try run.objects().first?["score"] as? Double)
  }

  @Test(arguments: [[], ["--relative"]]) func aBERTIsConverted(options: [String]) throws {
    let source = try bert().path
    let target = directory.path + "/de berta"
    let run = try Command(["model", "convert", source, target] + options)
    #expect(run.ending == .exited(0), "\(run.error)")
    #expect(run.output == "\(target) is written\n")
    #expect(abs(try score(source) - score(target)) <= 2e-6)
    let names = try FileManager.default.contentsOfDirectory(atPath: target).sorted()
    #expect(
      names == [
        "config.json", "model.safetensors", "selftest.jsonl", "sluice.json", "vocab.txt",
      ])
    let json = try Data(contentsOf: URL(filePath: target + "/sluice.json"))
    let kept = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    #expect(kept["unsafe_labels"] as? [String] == ["LABEL_0"] && kept["made_by"] as? String == "us")

    let again = try Command(["model", "convert", source, target] + options)
    #expect(again.ending == .exited(73) && again.error.contains("exists already"))
    #expect(try Command(["model", "convert", target, target + "2"]).ending == .exited(66))
    let beside = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    #expect(beside.filter { $0.contains("berta") } == ["de berta"], "nothing is left over")
  }

  /// What is made from a version tells which.
  @Test func aVersionIsTheParentOfWhatComesOfIt() throws {
    let run = try model(["register", try bert().path])
    let version = run.output.trimmingCharacters(in: .newlines)
    let target = directory.path + "/deberta"
    let conversion = try Command(["model", "convert", "\(models)/\(version)", target])
    #expect(conversion.ending == .exited(0), "\(conversion.error)")
    let json = try Data(contentsOf: URL(filePath: target + "/sluice.json"))
    let kept = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    #expect(kept["parent"] as? String == version && kept["version"] == nil)
  }

  @Test func whatCannotBeConvertedIsSaid() throws {
    let source = try bert().path
    for (arguments, code) in [
      (["/none", directory.path + "/new"], 66), ([source, "/none/new"], 73), ([source], 64),
      ([GoldenCase.url("v3-style").path, directory.path + "/new"], 66),
    ] as [([String], Int32)] {
      let run = try Command(["model", "convert"] + arguments)
      #expect(run.ending == .exited(code), "\(arguments): \(run.error)")
      #expect(!run.error.isEmpty)
    }
    #expect(!FileManager.default.fileExists(atPath: directory.path + "/new"))
  }
}
