import Foundation
import TestSupport
import Testing

/// What is declared: how long it is, and that the program itself needs it.
@Suite struct DeclarationTests {
  private static let keywords: Set<String> = [
    "func", "var", "let", "struct", "class", "enum", "protocol", "typealias",
  ]

  /// Names that only a language, a library or tests use, each with its reason.
  private static let exempt: Set<String> = [
    "SluiceBench",  // @main
    "callAsFunction", "makeAsyncIterator", "defaultValueDescription", "validate",  // called unseen
    "addsSpecial", "addsSpecialTokens",  // fields of a request's body
    "recordError", "forceFlush",  // what a protocol of tracing asks for
    "hiddenStates",  // what goldens of PyTorch are compared with
    "placement",  // where invariants of the label store are looked at
  ]

  /// Files that state an interface whole: the controls of a mock broker, and a library's codes.
  private static let whole = ["Kafka/MockCluster.swift", "Kafka/KafkaErrorCode.swift"]

  @Test func everyNameIsUsedByTheProgram() throws {
    var uses: [Substring: Int] = [:]
    var declarations: [Substring: (count: Int, path: String)] = [:]
    for file in try SourceTree.files(under: "Sources", extensions: ["swift"]) {
      let path = file.path.split(separator: "/").suffix(2).joined(separator: "/")
      for line in try Self.lines(of: file) {
        let words = line.prefix(
          upTo: line.firstRange(of: /(^|\s)\/\//)?.lowerBound ?? line.endIndex
        )
        .split { !$0.isLetter && !$0.isNumber && $0 != "_" }
        for (index, word) in words.enumerated() {
          uses[word, default: 0] += 1
          guard index > 0, Self.keywords.contains(String(words[index - 1])),
            line.contains("\(words[index - 1]) \(word)")
          else { continue }
          declarations[word, default: (0, path)].count += 1
        }
      }
    }
    #expect(declarations.count > 2_000)
    for (name, declaration) in declarations where uses[name] == declaration.count {
      let isAllowed =
        name.count < 2 || Self.exempt.contains(String(name))
        || Self.whole.contains(declaration.path)
      #expect(isAllowed, "\(declaration.path): nothing in Sources uses \(name)")
    }
  }

  @Test(arguments: ["Sources", "Tests"])
  func functionsAreAtMostSixtyLines(folder: String) throws {
    for file in try SourceTree.files(under: folder, extensions: ["swift"]) {
      let lines = try Self.lines(of: file)
      for (start, line) in lines.enumerated() {
        guard line.firstRange(of: /^ *([a-z@()]+ )*(func |init[?(]|deinit )/) != nil else {
          continue
        }
        let indent = line.prefix { $0 == " " }
        // A requirement of a protocol has no body: another declaration comes before any end.
        let end = lines[(start + 1)...].firstIndex { $0.hasPrefix(indent + "}") }
        let next = lines[(start + 1)...].firstIndex {
          $0.hasPrefix(indent) && $0.dropFirst(indent.count).first?.isLetter == true
        }
        guard let end, end < next ?? .max else { continue }
        let count = end - start + 1
        #expect(count <= 60, "\(file.lastPathComponent):\(start + 1) has \(count) lines")
      }
    }
  }

  @Test func linesAreAtMostAHundredColumns() throws {
    for file in try SourceTree.files(under: "Sources", extensions: ["swift", "c", "h", "cpp"])
    where !file.lastPathComponent.hasPrefix("sluice.pb-c") {
      for (index, line) in try Self.lines(of: file).enumerated() {
        #expect(line.count <= 100, "\(file.lastPathComponent):\(index + 1)")
      }
    }
  }

  private static func lines(of file: URL) throws -> [Substring] {
    try String(contentsOf: file, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }
}
