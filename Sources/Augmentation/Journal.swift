package import Basics
internal import Files
internal import Foundation
internal import LanguageModel
internal import StrictJSON
internal import Synchronization

/// One answer of a server, as it stands in the journal.
package struct JournalEntry: Codable, Sendable {
  package let index: Int
  package let step: RequestKind
  package var text: String?
  /// The generation ended at its limit on tokens.
  package var isCut: Bool?
  /// The server said that the model declines; absent otherwise.
  package var isRefusal: Bool?
  /// The teacher's P(unsafe).
  package var score: Double?
  /// Why the teacher has none.
  package var unknown: String?
  /// Why the server turned this request down.
  package var failure: String?
  package var promptTokens = 0
  package var generatedTokens = 0
  /// Requests that this answer took.
  package var requests = 1

  package init(index: Int, step: RequestKind, text: String? = nil) {
    self.index = index
    self.step = step
    self.text = text
  }

  /// Whether its counts are such as are written: sums of them do not overflow.
  var isPlausible: Bool {
    [requests, promptTokens, generatedTokens].allSatisfy { (0...Self.countMax).contains($0) }
  }

  /// A judgement asks for two answers.
  private static let countMax = 2 * TokenUsage.requestMax

  /// Whether it declines what was asked for, by the server's word or by its own.
  var declines: Bool { isRefusal == true || text.map(RefusalDetector.isRefusal) ?? false }

  enum CodingKeys: String, CodingKey {
    case index, step, text, score, unknown, failure, requests
    case isCut = "cut"
    case isRefusal = "refused"
    case promptTokens = "prompt_tokens"
    case generatedTokens = "generated_tokens"
  }
}

/// Every answer so far, on disk as soon as it arrives. A run that starts again takes answers from
/// here before it asks, and so repeats what was done without a request.
package final class Journal: Sendable {
  private struct Header: Codable {
    let version: Int
    let identity: String
  }

  private struct Key: Hashable {
    let index: Int
    let step: RequestKind
  }

  private struct State: ~Copyable {
    let file: LineFile
    var known: [Key: JournalEntry] = [:]
    var totals = Totals()
  }

  /// What all answers cost, of this and earlier runs.
  package struct Totals: Hashable, Sendable {
    package var requests = 0
    package var tokens = 0

    fileprivate mutating func add(_ entry: JournalEntry) {
      requests += entry.requests
      tokens += entry.promptTokens + entry.generatedTokens
    }
  }

  package static let version = 1
  private let state: Mutex<State>
  /// Answers that were there at the start.
  package let answersFound: Int

  /// Opens the journal of runs with this identity, or begins it.
  ///
  /// - Throws: `AugmentationError.file` when it belongs to runs with another.
  package init(path: String, identity: ContentDigest) throws(AugmentationError) {
    let file = try withFileErrors(as: AugmentationError.init, try LineFile(path))
    let lines = try withFileErrors(as: AugmentationError.init, try file.readLines())
    var state = State(file: file)
    if lines.isEmpty {
      let header = Self.line(Header(version: Self.version, identity: identity.description))
      try withFileErrors(as: AugmentationError.init, try state.file.append(header))
    } else {
      try Self.check(lines[0], identity, path)
      for (number, line) in lines.enumerated().dropFirst() {
        guard let entry = try? JSONCoder.decode(JournalEntry.self, from: line), entry.isPlausible
        else {
          throw .file(path: "\(path):\(number + 1)", problem: "is not a line of a journal")
        }
        state.known[Key(index: entry.index, step: entry.step)] = entry
        state.totals.add(entry)
      }
    }
    answersFound = max(0, lines.count - 1)
    self.state = Mutex(state)
  }

  /// Whether answers from earlier runs wait to be taken.
  package var hasAnswersLeft: Bool { state.withLock { !$0.known.isEmpty } }

  package var totals: Totals { state.withLock { $0.totals } }

  /// Whether an answer from an earlier run waits to be taken.
  package func knows(_ index: Int, _ step: RequestKind) -> Bool {
    state.withLock { $0.known[Key(index: index, step: step)] != nil }
  }

  /// An answer from an earlier run, given out once.
  package func take(_ index: Int, _ step: RequestKind) -> JournalEntry? {
    state.withLock { $0.known.removeValue(forKey: Key(index: index, step: step)) }
  }

  /// Forgets requests that were turned down for instructions behind one, or all without it, so
  /// that they are asked again: what is decided there has led to no row yet.
  package func forgetFailures(after index: Int?) {
    state.withLock { state in
      state.known = state.known.filter { key, entry in
        entry.failure == nil || index.map { key.index <= $0 } ?? false
      }
    }
  }

  /// Keeps a new answer.
  package func append(_ entry: JournalEntry) throws(AugmentationError) {
    let line = Self.line(entry)
    try state.withLock { state throws(AugmentationError) in
      try withFileErrors(as: AugmentationError.init, try state.file.append(line))
      state.totals.add(entry)
    }
  }

  /// Waits until every answer is on the disk.
  package func synchronize() throws(AugmentationError) {
    try state.withLock { state throws(AugmentationError) in
      try withFileErrors(as: AugmentationError.init, try state.file.synchronize())
    }
  }

  private static func check(
    _ line: Data, _ identity: ContentDigest, _ path: String
  ) throws(AugmentationError) {
    guard let header = try? JSONCoder.decode(Header.self, from: line),
      header.version == version
    else { throw .file(path: path, problem: "is not a journal of this version") }
    guard header.identity == identity.description else {
      throw .file(
        path: path,
        problem: "belongs to a run with other settings, data or models; name another output, "
          + "or remove it and its output to begin anew")
    }
  }

  private static func line(_ value: some Encodable) -> Data {
    // Strings, finite numbers and booleans always encode.
    (try? JSONCoder.line(value)) ?? Data()
  }
}
