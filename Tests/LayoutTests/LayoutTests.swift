import Foundation
import TestSupport
import Testing

/// The rules of ARCHITECTURE.md, kept true by Package.swift and the files themselves.
@Suite struct LayoutTests {
  /// Dependencies between two targets of one layer, each with its reason.
  private let neighbours: Set<[String]> = [
    ["CMessages", "CProtobufC"],  // generated code over its library
    ["HTTPClient", "Threading"],  // a thread of its own carries all requests
    ["Tensors", "Threading"],  // kernels run on a pool of threads
    ["Distillation", "DeBERTa"],  // training drives the model's backward pass
    ["CudaDeBERTa", "DeBERTa"],  // the same model on another device
    ["CudaDeBERTa", "CudaDevice"],  // which is any GPU to it
    ["Guard", "Settings"],  // a model's settings say how texts are cut for it
    ["Guard", "ModelRegistry"],  // a model's manifest says how its scores are calibrated
    ["Hosting", "Settings"],  // what the services share is made from settings
    ["Hosting", "Telemetry"],  // and serves health, metrics and logs
    ["Hosting", "Traces"],  // and sends spans
    ["Hosting", "Systemd"],  // and gives signs of life
    ["LanguageModel", "Settings"],  // a server's settings say how hard it may be leant on
    ["Learning", "Evaluation"],  // a model as a teacher scores as `evaluate` does
    ["Retraining", "Learning"],  // a retraining trains as `distill` does
    ["Retraining", "Evaluation"],  // and measures as `evaluate` does
    ["Demonstration", "FilterService"],  // the demo runs the real daemon
  ]

  @Test func everyLayerIsFound() throws {
    let layers = Set(try PackageLayout().targets.map(\.layer))
    #expect(layers == Set(PackageLayout.layerNames.indices))
  }

  @Test func dependenciesPointDown() throws {
    let targets = try PackageLayout().targets
    let layers = Dictionary(uniqueKeysWithValues: targets.map { ($0.name, $0.layer) })
    for target in targets {
      for dependency in target.dependencies {
        let layer = try #require(layers[dependency])
        let isAllowed =
          layer < target.layer || neighbours.contains([target.name, dependency])
        #expect(isAllowed, "\(target.name) may not depend on \(dependency)")
      }
    }
  }

  @Test func importsAreDeclaredAndDeclarationsAreUsed() throws {
    let targets = try PackageLayout().targets
    let names = Set(targets.map(\.name))
    for target in targets where !PackageLayout.isC(target.name) {
      let imported = try PackageLayout.imports(of: target.name).intersection(names)
      #expect(imported.subtracting(target.dependencies) == [], "\(target.name) does not declare")
      #expect(target.dependencies.subtracting(imported) == [], "\(target.name) does not use")
    }
  }

  @Test func eachCModuleHasOneImporter() throws {
    let targets = try PackageLayout().targets
    for module in targets where PackageLayout.isC(module.name) && module.name != "CProtobufC" {
      let importers = try targets.filter { !PackageLayout.isC($0.name) }
        .filter { try PackageLayout.imports(of: $0.name).contains(module.name) }
      #expect(importers.count == 1, "\(module.name): \(importers.map(\.name))")
    }
  }

  /// Modules whose tests stand elsewhere, since they need more than themselves to be seen: the
  /// folder, and what a test there must say.
  private let testedElsewhere = [
    "Demonstration": ("IntegrationTests", "import Demonstration"),
    "sluice": ("IntegrationTests", #"product("sluice")"#),
    "Transport": ("SimulationTests", "import Transport"),
  ]
  /// Programs that measure and are no part of what ships: whoever measures sees their output.
  private let untested: Set = ["sluice-bench"]

  @Test func everyModuleHasTests() throws {
    for target in try PackageLayout().targets
    where !PackageLayout.isC(target.name) && !untested.contains(target.name) {
      let (folder, words) =
        testedElsewhere[target.name] ?? ("\(target.name)Tests", "import \(target.name)\n")
      let files = try SourceTree.files(under: "Tests/\(folder)", extensions: ["swift"])
      let isTested = try files.contains {
        try String(contentsOf: $0, encoding: .utf8).contains(words)
      }
      #expect(isTested, "\(target.name): \(words) in Tests/\(folder)")
    }
  }

  /// A test that waits for time is slow on a fast machine and fails on a slow one. What no clock or
  /// event of this process tells is asked for with `eventually`.
  @Test func noTestSleeps() throws {
    let pattern = /\b(usleep|nanosleep|sleep)\(|Task\.sleep/
    for file in try SourceTree.files(under: "Tests", extensions: ["swift"]) {
      let path = file.path.split(separator: "/").suffix(2).joined(separator: "/")
      guard !path.hasPrefix("TestSupport/"), !path.hasPrefix("LayoutTests/") else { continue }
      let text = try String(contentsOf: file, encoding: .utf8)
      for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
        .enumerated()
      where line.firstMatch(of: pattern) != nil && !line.contains(".sleep(atMost") {
        #expect(line.contains("// sleeps: "), "\(path):\(number + 1)")
      }
    }
  }

  @Test(arguments: ["Sources", "Tests"])
  func filesStaySmall(folder: String) throws {
    let files = try SourceTree.files(
      under: folder, extensions: ["swift", "c", "cpp", "h", "hpp", "cu", "cuh"])
    for file in files where !file.lastPathComponent.hasPrefix("sluice.pb-c") {
      let text = try String(contentsOf: file, encoding: .utf8)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.count <= 400, "\(file.lastPathComponent) has \(lines.count) lines")
    }
  }

  @Test func noPlaceholdersAreLeft() throws {
    for folder in ["Sources", "Tests"] {
      let files = try SourceTree.files(under: folder, extensions: ["swift", "c", "cpp"])
      let placeholders = files.filter { $0.lastPathComponent.lowercased().hasPrefix("placeholder") }
      #expect(placeholders.isEmpty)
    }
  }

  private static let benchmarks =
    (try? SourceTree.files(
      under: "Sources/sluice-bench", extensions: ["swift"]))?.map {
      $0.path.split(separator: "/").suffix(2).joined(separator: "/")
    } ?? []

  /// Each of these decisions is made in one place, so that all who make it make it alike.
  @Test(arguments: [
    // A score that is compared with a threshold: `Score.reaches`. Metrics ranks numbers of any
    // kind.
    (#"score(\.rawValue)? >= [a-z]"#, ["Records/Score.swift", "Metrics/ScoreTally.swift"]),
    (#"rawValue >= threshold"#, ["Records/Score.swift"]),
    // JSON: `JSONCoder` for values of Codable types, `JSONParser` and `JSONWriter` for the rest.
    (#"JSON(Encoder|Decoder)\(\)|JSONSerialization"#, ["StrictJSON/JSONCoder.swift"]),
    // Waiting for a machine's work and draining it: `MachineHost`.
    (
      #"\.isDrained\("#,
      [
        "Hosting/MachineHost.swift", "FilterService/StreamCore.swift",
        "Pipeline/StreamMachine.swift",
      ]
    ),
    // One generator and one mixer: `SplitMix64`, `mix64`.
    ("(?i)0x9e37_?79b9_?7f4a_?7c15", ["Basics/SplitMix64.swift"]),
    ("(?i)0xbf58_?476d_?1ce4_?e5b9", ["Basics/SplitMix64.swift"]),
    ("6_?364_?136_?223_?846_?793_?005", []),
    // What must survive is written by `DurableFiles`, which has fsync; locks are `FileLock`.
    (#"\bflock\("#, ["Files/OpenFile.swift"]),
    (#"\bfsync\("#, ["Files/OpenFile.swift"]),
    (#"(?:Glibc\.|(?<![.\w]))rename\("#, ["Files/DurableFiles.swift"]),
    (#"options: *\[? *\.atomic"#, []),
    (#"\.write\(\s*to: *(URL|file\b)"#, []),
    (#"FileHandle\(forWriting|createFile\(|fopen\("#, []),
    // Standard output, where a full disk is a failure and a reader that left is none.
    (#"(?<![.\w])print\("#, Self.benchmarks),
    ("STDOUT_FILENO, ", ["sluice/StandardOutput.swift"]),
  ])
  func oneHome(pattern: String, homes: [String]) throws {
    for file in try SourceTree.files(under: "Sources", extensions: ["swift"]) {
      let path = file.path.split(separator: "/").suffix(2).joined(separator: "/")
      guard !homes.contains(path) else { continue }
      let text = try String(contentsOf: file, encoding: .utf8)
      let found = text.range(of: pattern, options: .regularExpression)
      #expect(found == nil, "\(path): \(pattern)")
    }
  }
}
