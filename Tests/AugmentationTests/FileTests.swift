import Basics
import Datasets
import Foundation
import TestSupport
import Testing

import Augmentation

@Suite struct FileTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.path + "/file" }

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ text: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
  }

  @Test func theJournalGivesEachAnswerOnce() throws {
    let identity = ContentDigest(of: [1])
    var entry = JournalEntry(index: 3, step: .harmful)
    entry.text = "text with\nlines"
    entry.generatedTokens = 4
    entry.promptTokens = 2
    let journal = try Journal(path: path, identity: identity)
    try journal.append(entry)
    #expect(journal.take(3, .harmful) == nil)
    #expect(journal.totals.requests == 1)
    #expect(journal.totals.tokens == 6)
  }

  @Test func aJournalIsReadAgain() throws {
    let identity = ContentDigest(of: [1])
    do {
      let journal = try Journal(path: path, identity: identity)
      try journal.append(JournalEntry(index: 3, step: .harmful, text: "text with\nlines"))
    }
    // As a kill in the middle of a line leaves it.
    let text = directory.text(of: "file")
    let line = try #require(text.split(separator: "\n").last)
    try write(text + line.dropLast(9))
    let again = try Journal(path: path, identity: identity)
    #expect(again.answersFound == 1)
    #expect(again.take(3, .harmful)?.text == "text with\nlines")
    #expect(again.take(3, .harmful) == nil)
    #expect(!again.hasAnswersLeft)
  }

  @Test(arguments: ["generated_tokens", "prompt_tokens", "requests"], [Int.max, -1])
  func aJournalsCountsAreSuchAsAreWritten(name: String, count: Int) throws {
    let identity = ContentDigest(of: [1])
    do {
      let journal = try Journal(path: path, identity: identity)
      try journal.append(JournalEntry(index: 3, step: .harmful, text: "text"))
    }
    let lines = directory.text(of: "file").split(separator: "\n")
    let old = try #require(lines.last?.firstRange(of: "\"\(name)\":"))
    let end = try #require(lines[1][old.upperBound...].firstIndex { $0 == "," || $0 == "}" })
    let changed = lines[1].replacingCharacters(in: old.upperBound..<end, with: "\(count)")
    try write("\(lines[0])\n\(changed)\n\(changed)\n")
    let error = #expect(throws: AugmentationError.self) {
      _ = try Journal(path: path, identity: identity)
    }
    #expect(error?.description.contains("\(path):2") == true)
  }

  @Test func aJournalOfOtherSettingsIsRefused() throws {
    do { _ = try Journal(path: path, identity: ContentDigest(of: [1])) }
    #expect(throws: AugmentationError.self) {
      _ = try Journal(path: path, identity: ContentDigest(of: [2]))
    }
    try write("{}\n")
    #expect(throws: AugmentationError.self) {
      _ = try Journal(path: path, identity: ContentDigest(of: [1]))
    }
  }

  @Test func rowsThatAreThereAreNotWrittenAgain() throws {
    let rows = (0..<3).map { LabelledExample(id: "\($0)", prompt: "p\($0)", isUnsafe: true) }
    do {
      var file = try RowFile(path)
      try file.append(Array(rows.prefix(2)))
    }
    do {
      var file = try RowFile(path)
      #expect(file.rowsFound == 2)
      try file.append(rows)
    }
    #expect(try DatasetFile.read(path) == rows)
    var file = try RowFile(path)
    #expect(throws: AugmentationError.self) { try file.append([rows[1]]) }
  }
}

@Suite struct TurnGateTests {
  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func tasksPassInTheirOrder(seed: UInt64) async {
    var generator = SeededGenerator(seed: seed)
    let order = Array(0..<40).shuffled(using: &generator)
    let turns = OrderedTurns()
    let passed = await withTaskGroup(of: Void.self, returning: [Int].self) { group in
      let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
      for number in order {
        group.addTask {
          guard await turns.arrive(number) else { return }
          continuation.yield(number)
          turns.pass()
        }
      }
      await group.waitForAll()
      continuation.finish()
      return await stream.reduce(into: []) { $0.append($1) }
    }
    #expect(passed == Array(0..<40), "seed \(seed)")
  }

  @Test func aClosedGateSendsEverybodyAway() async {
    let turns = OrderedTurns()
    let waiting = Task { await turns.arrive(5) }
    await Task.yield()
    turns.close()
    #expect(await waiting.value == false)
    #expect(await turns.arrive(0) == false)
  }
}

@Suite struct BudgetTests {
  @Test func eachPartEndsARun() {
    var budget = Budget()
    #expect(budget.exhausted(requests: .max, tokens: .max, elapsed: .seconds(1e9)) == nil)
    budget.requestsMax = 10
    budget.tokensMax = 100
    budget.durationMax = .seconds(5)
    #expect(budget.exhausted(requests: 9, tokens: 99, elapsed: .seconds(4)) == nil)
    #expect(budget.exhausted(requests: 10, tokens: 0, elapsed: .zero) == .requests)
    #expect(budget.exhausted(requests: 0, tokens: 100, elapsed: .zero) == .tokens)
    #expect(budget.exhausted(requests: 0, tokens: 0, elapsed: .seconds(5)) == .hours)
  }
}
