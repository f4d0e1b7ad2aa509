internal import Foundation
internal import Records
internal import StrictJSON

/// The records that the demo sends: the bundled texts in every accepted form, and everything that
/// goes wrong in real traffic.
struct DemoRecords {
  /// What a record is, as the report groups them.
  enum Kind: String, CaseIterable {
    case everyday, answered, language, odd, rude, threat, reply
    case long = "very long"
    case malformed, tombstone
  }

  private(set) var records: [OutputRecord] = []
  /// The kind of each record, by its key.
  private(set) var kinds: [String: Kind] = [:]

  private let topic: String
  private let partitionCount: Int

  /// - Parameter texts: the bundled exchanges, one JSON object a line.
  init(texts: Data, topic: String, partitionCount: Int) throws {
    self.topic = topic
    self.partitionCount = partitionCount
    let exchanges = try texts.split(separator: UInt8(ascii: "\n")).map {
      try JSONCoder.decode(Text.self, from: $0)
    }
    // Twice, in different forms, so that all forms meet all kinds of text.
    for round in 0..<2 {
      for (index, text) in exchanges.enumerated() {
        try add(text, form: Form.allCases[(index + round * 2) % Form.allCases.count], round: round)
        if index % 17 == 5 { addMalformed(index / 17 + round * 10) }
        if index % 29 == 11 { addTombstone() }
        if index % 31 == 7 { try addLong(exchanges, hidden: index % 62 == 7) }
      }
    }
  }

  private struct Text: Codable {
    var id: String
    var prompt: String
    var response: String?
    var tenant: String?
  }

  /// The forms of a record that the filter understands.
  private enum Form: CaseIterable {
    case contract, messages, tenant, headerless
  }

  private mutating func add(_ text: Text, form: Form, round: Int) throws {
    let name = text.id.prefix { $0 != "-" }
    guard let kind = Kind(rawValue: String(name)) else { return }
    var text = text
    text.id += round == 0 ? "" : "b"
    let json = Header("content-type", "application/json")
    switch form {
    case .contract: append(try JSONCoder.encode(text), kind, [json, Header("trace", "demo")])
    case .headerless: append(try JSONCoder.encode(text), kind, [])
    case .tenant:
      text.tenant = "kindergarten"
      append(try JSONCoder.encode(text), kind, [json])
    case .messages:
      append(try JSONCoder.encode(Conversation(text)), kind, [json])
    }
  }

  /// An exchange as chat interfaces log it.
  private struct Conversation: Encodable {
    struct Message: Encodable {
      let role: String
      let content: String
    }

    let id: String
    let messages: [Message]

    init(_ text: Text) {
      id = text.id
      var messages = [
        Message(role: "system", content: "You are a helpful assistant."),
        Message(role: "user", content: text.prompt),
      ]
      if let response = text.response {
        messages.append(Message(role: "assistant", content: response))
      }
      self.messages = messages
    }
  }

  /// Far more text than fits one window; in some of them a threat hides behind the harmless part.
  private mutating func addLong(_ texts: [Text], hidden: Bool) throws {
    let harmless = texts.filter { $0.id.hasPrefix("everyday") }.map(\.prompt)
    var prompt = (0..<3).flatMap { _ in harmless }.joined(separator: " ")
    if hidden { prompt += " I am going to punch him in the face tomorrow and burn his house down." }
    let text = Text(id: "long-\(records.count)", prompt: prompt)
    append(try JSONCoder.encode(text), .long, [])
  }

  private mutating func addMalformed(_ number: Int) {
    let payloads = [
      "{\"prompt\": ", "not JSON at all", "[1, 2, 3]", "{\"prompt\": 17}", "{}",
      "{\"response\": \"an answer to nothing\"}", "{\"messages\": []}", "", "null",
      "{\"prompt\": \"\u{FFFD}\"} trailing",
    ]
    var payload = Array(payloads[number % payloads.count].utf8)
    if number % 4 == 3 { payload += [0xFF, 0xFE] }
    append(Data(payload), .malformed, [])
  }

  private mutating func addTombstone() {
    append(nil, .tombstone, [])
  }

  private mutating func append(_ value: Data?, _ kind: Kind, _ headers: [Header]) {
    let key = "demo-\(records.count)"
    kinds[key] = kind
    records.append(
      OutputRecord(
        topic: topic, partition: Partition(Int32(records.count % partitionCount)),
        key: Array(key.utf8), value: value.map { Array($0) }, headers: headers))
  }
}
