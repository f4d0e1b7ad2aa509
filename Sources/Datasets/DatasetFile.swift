package import Basics
package import Foundation

/// Labelled examples as JSON lines.
///
/// A line is an object with `prompt` (or `text`), `response` (or `completion`; absent, null or
/// empty: the prompt alone), `label` (0 or 1, false or true, "safe" or "unsafe"), and, all
/// optional, `id`, `source`, `tenant` and `teacher` (P(unsafe), from which an absent label follows
/// at 0.5). Other names are ignored, so the files of Hugging Face's datasets read as they are.
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
      throw DatasetError(path: path, line: nil, problem: "cannot be read")
    }
    let name = URL(filePath: path).deletingPathExtension().lastPathComponent
    var examples: [LabelledExample] = []
    let decoder = JSONDecoder()
    for (index, line) in data.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
    {
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
      do {
        guard line.count <= lineBytesMax else { throw Line.Mistake(problem: "is too long") }
        let fields = try decoder.decode(Line.self, from: Data(line))
        examples.append(try fields.example(fallbackID: "\(name)-\(index + 1)", source: name))
      } catch {
        throw DatasetError(path: path, line: index + 1, problem: Line.describe(error))
      }
    }
    return examples
  }

  /// One line for an example, with its line end.
  package static func line(_ example: LabelledExample) -> Data {
    let fields = Line(
      id: example.id, prompt: example.prompt, response: example.response,
      label: Line.Label(isUnsafe: example.isUnsafe), teacher: example.teacherScore,
      source: example.source, tenant: example.tenant)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Strings, finite numbers and booleans always encode.
    return ((try? encoder.encode(fields)) ?? Data()) + [0x0A]
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

/// One line as it stands in the file.
private struct Line: Codable {
  struct Label: Codable {
    let isUnsafe: Bool

    init(isUnsafe: Bool) { self.isUnsafe = isUnsafe }

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Double.self) {
        guard number == 0 || number == 1 else { throw Mistake(problem: "label is not 0 or 1") }
        isUnsafe = number == 1
      } else if let flag = try? container.decode(Bool.self) {
        isUnsafe = flag
      } else {
        switch (try? container.decode(String.self))?.lowercased() {
        case "unsafe", "harmful", "1", "true": isUnsafe = true
        case "safe", "unharmful", "0", "false": isUnsafe = false
        default: throw Mistake(problem: "label is neither 0, 1, safe nor unsafe")
        }
      }
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode(isUnsafe ? 1 : 0)
    }
  }

  struct Mistake: Error {
    let problem: String
  }

  var id: String?
  var prompt: String?
  var text: String?
  var response: String?
  var completion: String?
  var label: Label?
  var teacher: Double?
  var source: String?
  var tenant: String?

  func example(fallbackID: String, source name: String) throws -> LabelledExample {
    guard let prompt = prompt ?? text else { throw Mistake(problem: "prompt is missing") }
    if let teacher, !(0...1).contains(teacher) {
      throw Mistake(problem: "teacher is not a probability")
    }
    guard let isUnsafe = label?.isUnsafe ?? teacher.map({ $0 > 0.5 }) else {
      throw Mistake(problem: "label is missing")
    }
    return LabelledExample(
      id: id ?? fallbackID, prompt: prompt, response: response ?? completion, isUnsafe: isUnsafe,
      teacherScore: teacher, source: source ?? name, tenant: tenant)
  }

  static func describe(_ error: any Error) -> String {
    switch error {
    case let mistake as Mistake: mistake.problem
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      context.codingPath.isEmpty
        ? "not a JSON object" : "\(context.codingPath[0].stringValue) has the wrong type"
    default: "not JSON"
    }
  }
}

extension DatasetError: CommandError {
  package var exitStatus: ExitStatus {
    line == nil ? .noInput : .data
  }
}
