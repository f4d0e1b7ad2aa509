import Foundation
import Settings
import TestSupport
import Testing

/// The schema that editors check settings files with, beside the code that reads them.
@Suite struct SettingsSchemaTests {
  /// What a validator of JSON Schema says of each file: a line for each complaint.
  private func complaints(about files: [String]) throws -> String {
    let directory = try TemporaryDirectory()
    let schema = directory.path + "/schema.json"
    try SettingsSchema.json().write(to: URL(filePath: schema))
    // YAML 1.2 knows no dates and takes 3e-5 for a number, as does the code here.
    let script = """
      import json, re, sys, yaml, jsonschema
      class Loader(yaml.SafeLoader): pass
      Loader.yaml_implicit_resolvers = {
          key: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
          for key, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()}
      Loader.add_implicit_resolver(
          "tag:yaml.org,2002:float", re.compile(r"^[0-9]+e[-+]?[0-9]+$"), list("0123456789"))
      schema = json.load(open(sys.argv[1]))
      jsonschema.Draft7Validator.check_schema(schema)
      validator = jsonschema.Draft7Validator(schema)
      for name in sys.argv[2:]:
          for error in validator.iter_errors(yaml.load(open(name), Loader)):
              print(name.split("/")[-1], list(error.absolute_path), error.message[:200])
      """
    let output = directory.path + "/out"
    let process = try ChildProcess(
      try TestProgram.path("python3"), ["-c", script, schema] + files, output: output)
    #expect(process.wait(within: .seconds(60)) == .exited(0))
    return try String(contentsOfFile: output, encoding: .utf8)
  }

  private func file(_ yaml: String, in directory: TemporaryDirectory, _ name: String) throws
    -> String
  {
    let path = "\(directory.path)/\(name).yaml"
    try Data(yaml.utf8).write(to: URL(filePath: path))
    return path
  }

  private static let least = "kafka: {bootstrap_servers: x}\ntopics: {input: i, verdicts: v}\n"

  @Test func everyExampleIsRight() async throws {
    try await onThreadOfItsOwn { try checkExamples() }
  }

  private func checkExamples() throws {
    let directory = try TemporaryDirectory()
    var files = [
      SourceTree.url("config/sluice.yaml").path,
      SourceTree.url("Tests/Fixtures/stored/0.1.0/sluice.yaml").path,
    ]
    // What the documentation shows, each block with what a file needs at least.
    let text = try String(contentsOf: SourceTree.url("docs/configure.md"), encoding: .utf8)
    let blocks = text.matches(of: /(?s)```yaml\n(.*?)```/).map {
      String($0.1).replacing("kafka:\n", with: "kafka:\n  bootstrap_servers: x\n")
    }
    #expect(blocks.count > 5)
    for (number, block) in blocks.enumerated() {
      let lines = Self.least.split(separator: "\n").filter { line in
        !block.contains("\(line.prefix(6))")
      }
      files.append(
        try file(block + lines.joined(separator: "\n") + "\n", in: directory, "block\(number)"))
    }
    #expect(try complaints(about: files) == "")
    for path in files { _ = try Settings(file: path, environment: [:]) }
  }

  private static let mistakes = [
    "buffer: {record_max: 10}", "batch: {tokens_max: many}",
    "policies: {default: {threshold: 1.5}}", "policies: {default: {treshold: 0.5}}",
    "policies: {a: {categories: {hate: {action: block}}}}",
    "policies: {a: {categories: {hate: 0.5}}}", "tenants: {a: [b]}",
    "telemetry: {tenants_max: -1}", "wire: {echo_metadata: perhaps}", "delivery: sometimes",
    "exceptions: {e: {reason: r}}", "label: {}", "retrain: {gate: {}}",
    "kafka: {properties: {a: {b: c}}}", "surprise: 1", "kafka: 3",
  ]

  /// What the reader refuses by keys, kinds and bounds, an editor marks too.
  @Test func whatTheReaderRefusesIsMarked() async throws {
    try await onThreadOfItsOwn {
      let directory = try TemporaryDirectory()
      var files: [String] = []
      for (number, mistake) in Self.mistakes.enumerated() {
        let name = mistake.prefix { $0 != ":" }
        let least = Self.least.split(separator: "\n").filter { !$0.hasPrefix(name) }
        let yaml = least.joined(separator: "\n") + "\n\(mistake)\n"
        files.append(try file(yaml, in: directory, "wrong\(number)"))
      }
      // One process for all: each takes a second to start.
      let complaints = try complaints(about: files).split(separator: "\n")
      for (number, mistake) in Self.mistakes.enumerated() {
        #expect(complaints.contains { $0.hasPrefix("wrong\(number).yaml ") }, "\(mistake)")
        #expect(throws: (any Error).self, "\(mistake)") {
          try Settings(file: files[number], environment: [:])
        }
      }
    }
  }
}
