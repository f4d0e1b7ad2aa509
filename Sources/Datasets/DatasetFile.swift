package import Basics
package import Foundation
internal import StrictJSON

/// Labelled examples as JSON lines.
///
/// A line is an object with `prompt` (or `text`), `response` (or `completion`; absent, null or
/// empty: the prompt alone), `label` (0 or 1, false or true, "safe" or "unsafe"), and, all
/// optional, `id`, `source`, `tenant`, `teacher` (P(unsafe), from which an absent label follows
/// at 0.5) and `categories` (the names of those that apply, or each name with true or false). Other
/// names are ignored, so the files of Hugging Face's datasets read as they are.
package enum DatasetFile {
  /// Bytes of one line at most.
  package static let lineBytesMax = 16 << 20

  /// Every example of the file, in order.
  ///
  /// - Throws: `DatasetError` with the line of the first mistake.
  package static func read(_ path: String) throws(DatasetError) -> [LabelledExample] {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
    } catch {
      throw DatasetError(path: path, line: nil, problem: "cannot be read\(error.systemReason)")
    }
    let name = URL(filePath: path).deletingPathExtension().lastPathComponent
    var examples: [LabelledExample] = []
    var reader = LineReader()
    for (index, line) in data.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
    {
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
      do throws(LineMistake) {
        guard line.count <= lineBytesMax else { throw LineMistake("is too long") }
        examples.append(
          try reader.example(in: line, fallbackID: "\(name)-\(index + 1)", source: name))
      } catch {
        throw DatasetError(path: path, line: index + 1, problem: error.problem)
      }
    }
    return examples
  }

  /// One line for an example, with its line end.
  package static func line(_ example: LabelledExample) -> Data {
    var writer = JSONWriter()
    writer.beginObject()
    writer.name("id")
    writer.text(example.id)
    writer.name("label")
    writer.number(example.isUnsafe ? 1 : 0)
    writer.name("prompt")
    writer.text(example.prompt)
    if let response = example.response {
      writer.name("response")
      writer.text(response)
    }
    writer.name("source")
    writer.text(example.source)
    if let score = example.teacherScore {
      writer.name("teacher")
      writer.number(score)
    }
    if let tenant = example.tenant {
      writer.name("tenant")
      writer.text(tenant)
    }
    if let categories = example.categories {
      writer.name("categories")
      writer.beginArray()
      for category in categories { writer.text(category) }
      writer.endArray()
    }
    writer.endObject()
    return Data(writer.bytes) + [0x0A]
  }
}

/// A dataset file that cannot be used; never shows its texts.
package struct DatasetError: Error, Hashable, Sendable, CustomStringConvertible {
  package let path: String
  /// Counted from 1; nil when the whole file is the problem.
  package let line: Int?
  package let problem: String

  package init(path: String, line: Int?, problem: String) {
    self.path = path
    self.line = line
    self.problem = problem
  }

  package var description: String { "\(path)\(line.map { ":\($0)" } ?? ""): \(problem)" }
}

extension DatasetError: CommandError {
  package var exitStatus: ExitStatus {
    line == nil ? .noInput : .data
  }
}
