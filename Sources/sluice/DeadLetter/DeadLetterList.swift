import ArgumentParser
import DeadLetters
import Foundation
import Records

struct DeadLetterList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Show dead letters: why, from where, how large. Never the texts.",
    discussion: """
      The order is that of each partition. A column tells how often a record was replayed before it
      came here again.

      Example: sluice dead-letter list --since 2026-11-24
      Example: sluice dead-letter list --reason malformed --json | jq -r .source.offset
      """)

  @OptionGroup var options: DeadLetterOptions

  @Flag(help: "One JSON object a line.")
  var json = false

  /// One letter as JSON shows it.
  private struct Entry: Encodable {
    struct Place: Encodable {
      let topic: String
      let partition: Int32
      let offset: Int64

      init(_ position: SourcePosition) {
        topic = position.topic
        partition = position.partition.rawValue
        offset = position.offset.rawValue
      }
    }

    let time: String?
    let reason: String
    let detail: String
    let source: Place
    /// Where the letter itself stands.
    let position: Place
    let attempts: Int
    let model: String?
    let keyBytes: Int?
    let payloadBytes: Int?
    let payloadOmitted: Bool
    let replayed: Int

    init(_ stored: StoredLetter) {
      time = timeText(milliseconds: stored.record.timestampMilliseconds)
      reason = stored.letter.reason.rawValue
      detail = stored.letter.detail
      source = Place(stored.letter.source)
      position = Place(stored.record.source)
      attempts = stored.letter.attempts
      model = stored.letter.model
      keyBytes = stored.record.key?.count
      payloadBytes = stored.record.value?.count
      payloadOmitted = stored.lacksPayload
      replayed = stored.replays
    }

    enum CodingKeys: String, CodingKey {
      case time, reason, detail, source, position, attempts, model
      case keyBytes = "key_bytes"
      case payloadBytes = "payload_bytes"
      case payloadOmitted = "payload_omitted"
      case replayed
    }
  }

  func run() throws {
    do {
      let (settings, clients) = try options.connect()
      let topic = DeadLetterTopic(clients: clients, topic: settings.outputTopics.deadLetters)
      if !json { StandardOutput.say(Self.line(Self.headings)) }
      let figures = try topic.read(
        options.selection,
        { stored throws(any Error) in
          if json {
            try printJSON(Entry(stored))
          } else {
            StandardOutput.say(Self.line(Self.cells(stored)))
          }
          return !StandardOutput.isOver
        }, failure: { $0 })
      let others = figures.foreign > 0 ? "; \(figures.foreign) records are no dead letters" : ""
      printError("\(figures.selected) dead letters, \(figures.passed) left out\(others)")
    } catch {
      throw exitError(for: error)
    }
  }

  // Lines are written as letters are read: the widths cannot depend on all of them.
  private static let widths = [24, 14, 40, 9, 12, 9]
  private static let headings = [
    "TIME", "REASON", "SOURCE", "KEY", "PAYLOAD", "REPLAYED", "DETAIL",
  ]

  private static func cells(_ stored: StoredLetter) -> [String] {
    [
      timeText(milliseconds: stored.record.timestampMilliseconds) ?? "-",
      stored.letter.reason.rawValue, stored.letter.source.description,
      stored.record.key.map { "\($0.count)" } ?? "-",
      stored.record.value.map { "\($0.count)" } ?? (stored.lacksPayload ? "omitted" : "none"),
      "\(stored.replays)", stored.letter.detail,
    ]
  }

  private static func line(_ cells: [String]) -> String {
    cells.enumerated().map { column, cell in
      guard column < widths.count else { return cell }
      return cell + String(repeating: " ", count: max(0, widths[column] - cell.count))
    }.joined(separator: " ")
  }
}
