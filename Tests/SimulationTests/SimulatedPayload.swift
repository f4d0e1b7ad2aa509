import Pipeline
import Records

/// How the outputs of the simulation are written as records.
enum SimulatedPayload {
  /// The record that is published for `item`: one for each, so that all can be counted.
  static func record(for item: JudgedItem) -> OutputRecord {
    let source = item.item.record.source
    let isDeadLetter = if case .deadLetter = item.outcome { true } else { false }
    let size = item.omitsPayload ? "none" : isDeadLetter ? "letter" : "whole"
    return OutputRecord(
      topic: "out", partition: source.partition, key: nil, value: nil,
      headers: [
        Header("offset", String(source.offset.rawValue)), Header("model", item.model),
        Header("size", size), Header("dead", isDeadLetter ? "true" : "false"),
      ])
  }

  /// Whether the broker refuses the record: some with their verdict, some of these even as letters.
  static func isTooLarge(_ record: OutputRecord) -> Bool {
    guard let offset = record.headers.text(of: "offset").flatMap({ Int($0) }) else { return false }
    switch record.headers.text(of: "size") {
    case "whole": return offset % 29 == 17
    case "letter": return offset % 58 == 17
    default: return false
    }
  }
}

extension SimulatedBroker.Output {
  /// What a record of the output topic tells.
  init?(_ record: OutputRecord) {
    guard let partition = record.partition,
      let offset = record.headers.text(of: "offset").flatMap({ Int64($0) }),
      let model = record.headers.text(of: "model")
    else { return nil }
    self.init(
      source: SourcePosition(topic: "in", partition: partition.rawValue, offset: offset),
      model: model, isDeadLetter: record.headers.text(of: "dead") == "true")
  }
}
