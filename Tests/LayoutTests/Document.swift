import Foundation
import TestSupport

/// A Markdown file of this repository, line by line.
struct Document {
  struct Line {
    /// From 1.
    let number: Int
    let text: String

    /// A row of a table, which cannot be broken.
    var isTable: Bool { text.drop { $0 == " " }.hasPrefix("|") }
  }

  /// Folders whose files are named by their path from the root.
  static let mentionedFolders = ["Sources", "Tests", "docs", "config", "systemd", "proto"]

  /// From the repository's root.
  let path: String
  let text: String
  /// All lines but those of fenced code.
  let prose: [Line]
  /// Fenced code goes on to the end.
  let isOpen: Bool

  init(path: String, text: String) {
    self.path = path
    self.text = text
    var prose: [Line] = []
    var isCode = false
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      if line.drop(while: { $0 == " " }).hasPrefix("```") {
        isCode.toggle()
      } else if !isCode {
        prose.append(Line(number: index + 1, text: String(line)))
      }
    }
    self.prose = prose
    isOpen = isCode
  }

  /// Every document at the root and in the folders of documents and code.
  static func all() throws -> [Document] {
    let root = try FileManager.default.contentsOfDirectory(atPath: SourceTree.root.path)
    let below = try SourceTree.paths(under: ["docs", "Sources", "Tests"])
    return try (root + below).filter { $0.hasSuffix(".md") }.sorted().map { path in
      Document(
        path: path, text: try String(contentsOf: SourceTree.url(path), encoding: .utf8))
    }
  }

  // MARK: What it points at

  /// The anchors that its headings get where it is shown: small letters, dashes for spaces, nothing
  /// but letters, digits, dashes and underscores, and a number where one comes again.
  var anchors: [String] {
    var counts: [String: Int] = [:]
    return prose.compactMap { line in
      guard let heading = line.text.wholeMatch(of: /#{1,6} +(.+)/)?.1 else { return nil }
      let anchor = heading.lowercased().map { $0 == " " ? "-" : $0 }
        .filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
      let name = String(anchor)
      let count = counts[name, default: 0]
      counts[name] = count + 1
      return count == 0 ? name : "\(name)-\(count)"
    }
  }

  /// Its links to files of the repository and to headings.
  var links: [DocumentLink] {
    prose.flatMap { line in
      line.text.replacing(/`[^`]*`/, with: "`").matches(of: /\]\(([^)\s]+)\)/)
        .map { DocumentLink(target: String($0.1), line: line.number) }
        .filter { !$0.isForeign }
    }
  }

  /// Paths from the root that stand in code within the text, such as `Sources/*/Name.swift`.
  var mentionedPaths: [MentionedPath] {
    prose.flatMap { line in
      line.text.matches(of: /`([^`]+)`/).flatMap { code in
        code.1.split(separator: " ").compactMap { word in
          let folder = word.split(separator: "/", omittingEmptySubsequences: false)[0]
          guard word.contains("/"), Self.mentionedFolders.contains(String(folder)) else {
            return nil
          }
          return MentionedPath(word: word, line: line.number)
        }
      }
    }
  }
}

/// A link in a document.
struct DocumentLink {
  /// As it stands there.
  let target: String
  let line: Int

  /// It leads to another host.
  var isForeign: Bool { target.contains("://") || target.hasPrefix("mailto:") }

  /// What stands behind the `#`.
  var anchor: String? {
    target.firstIndex(of: "#").map { String(target[target.index(after: $0)...]) }
  }

  /// Where it leads from a document, as a path from the root; nil when that is outside.
  func path(from document: String) -> String? {
    let file = target.prefix { $0 != "#" }
    if file.isEmpty { return document }
    var names = document.split(separator: "/").dropLast()
    for name in file.split(separator: "/") where name != "." {
      if name != ".." { names.append(name); continue }
      if names.popLast() == nil { return nil }
    }
    return names.joined(separator: "/")
  }
}

/// A path in a document, in which a star stands for any part of a name.
struct MentionedPath {
  let pattern: String
  let line: Int

  init(pattern: String, line: Int) {
    self.pattern = pattern
    self.line = line
  }

  /// - Parameter word: the path, with what may follow it: a line's number, a comma, a slash.
  init(word: Substring, line: Int) {
    var path = word.replacing(/:\d+$/, with: "")
    while let last = path.last, ",;:./)".contains(last) { path.removeLast() }
    self.init(pattern: String(path), line: line)
  }

  /// Whether a file or folder has this path.
  func matches(_ path: String) throws -> Bool {
    if !pattern.contains("*") { return path == pattern }
    let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
      .map { NSRegularExpression.escapedPattern(for: String($0)) }
    return try path.wholeMatch(of: Regex(parts.joined(separator: "[^/]*"))) != nil
  }
}

extension SourceTree {
  /// Whether there is a file or folder at a path from the root.
  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: url(path).path)
  }

  /// All files and folders below these folders, and the folders, as paths from the root.
  static func paths(under folders: [String]) throws -> [String] {
    try folders.flatMap { folder in
      [folder]
        + (try FileManager.default.subpathsOfDirectory(atPath: url(folder).path))
        .map { "\(folder)/\($0)" }
    }
  }
}
