import Foundation
import TestSupport
import Testing

/// Documents can be read in any editor, and whatever they point at is there.
@Suite struct DocumentTests {
  private static let columnsMax = 140
  private static let readmeBytesMax = 8_192

  private let documents: [Document]

  init() throws { documents = try Document.all() }

  @Test func theDocumentsAreFound() {
    let paths = Set(documents.map(\.path))
    let expected = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
    #expect(paths.isSuperset(of: expected))
    #expect(paths.contains { $0.hasPrefix("docs/") })
  }

  @Test func theReadmeIsShort() throws {
    let readme = try #require(documents.first { $0.path == "README.md" })
    #expect(readme.text.utf8.count <= Self.readmeBytesMax)
  }

  @Test func linesAreShortOutsideTablesAndCode() {
    let long = documents.flatMap { document in
      document.prose.filter { !$0.isTable && $0.text.count > Self.columnsMax }
        .map { "\(document.path):\($0.number): \($0.text.count) characters" }
    }
    #expect(long == [])
  }

  @Test func everyFenceIsClosed() {
    #expect(documents.filter(\.isOpen).map(\.path) == [])
  }

  @Test func linksLeadToFilesAndHeadings() {
    let anchors = Dictionary(
      documents.map { ($0.path, $0.anchors) }, uniquingKeysWith: { first, _ in first })
    var count = 0
    for document in documents {
      for link in document.links {
        count += 1
        guard let path = link.path(from: document.path) else {
          Issue.record("\(document.path):\(link.line): \(link.target) leads out of the repository")
          continue
        }
        #expect(SourceTree.exists(path), "\(document.path):\(link.line): no \(path)")
        guard let anchor = link.anchor else { continue }
        let isThere = anchors[path]?.contains(anchor) ?? false
        #expect(isThere, "\(document.path):\(link.line): no heading #\(anchor) in \(path)")
      }
    }
    #expect(count > 0)
  }

  @Test func pathsInCodeExist() throws {
    let files = try SourceTree.paths(under: Document.mentionedFolders)
    var count = 0
    for document in documents {
      for mention in document.mentionedPaths {
        count += 1
        let isThere = try files.contains { try mention.matches($0) }
        #expect(isThere, "\(document.path):\(mention.line): no \(mention.pattern)")
      }
    }
    #expect(count > 0)
  }

  @Test func everyDocumentIsLinked() {
    let linked = Set(
      documents.flatMap { document in
        document.links.compactMap { $0.path(from: document.path) }
          .filter { $0 != document.path }
      })
    let lonely = documents.map(\.path).filter { $0.hasPrefix("docs/") && !linked.contains($0) }
    #expect(lonely == [])
  }

  // MARK: What the tests above rely on

  @Test(arguments: [
    ("Hot swap", "hot-swap"), ("Invariants, and what keeps them", "invariants-and-what-keeps-them"),
    ("`sluice.json` and `note`", "sluicejson-and-note"),
    ("What is *no* format", "what-is-no-format"),
  ])
  func headingsHaveTheAnchorsOfTheirHost(heading: String, anchor: String) {
    let document = Document(path: "x.md", text: "# \(heading)\n## \(heading)\n")
    #expect(document.anchors == [anchor, anchor + "-1"])
  }

  @Test func codeHasNoLinksAndTablesAreTold() {
    let text = """
      A [link](docs/a.md#b) and `[none](c.md)`, https://x.y and [far](https://x.y/z).

      | [in a table](d.md) | `Sources/*/E.swift` |
      ```
      [none](f.md) and `Sources/G.swift`
      ```
      `swift Tests/H.swift:3` ends.
      """
    let document = Document(path: "docs/x.md", text: text)
    #expect(document.links.map(\.target) == ["docs/a.md#b", "d.md"])
    #expect(document.links.map(\.line) == [1, 3])
    #expect(document.links.first?.path(from: document.path) == "docs/docs/a.md")
    #expect(document.mentionedPaths.map(\.pattern) == ["Sources/*/E.swift", "Tests/H.swift"])
    #expect(document.prose.filter(\.isTable).map(\.number) == [3])
    #expect(Document(path: "x.md", text: "```\ntext\n").isOpen)
  }

  @Test func aStarStandsForOneName() throws {
    let mention = MentionedPath(pattern: "Sources/*/a.swift", line: 1)
    #expect(try mention.matches("Sources/B/a.swift"))
    #expect(try !mention.matches("Sources/B/C/a.swift"))
    #expect(try !mention.matches("Sources/B/a_swift"))
  }
}
