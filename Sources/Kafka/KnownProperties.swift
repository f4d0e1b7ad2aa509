internal import CRdKafka
internal import Glibc
internal import Sections

/// The properties that this librdkafka knows, as its own table tells them.
enum KnownProperties {
  /// Which clients a property is for.
  enum Client: String, Hashable, Sendable {
    case both = "*"
    case consumer = "C"
    case producer = "P"
  }

  /// A property's clients, and what the table says of its values; empty where it says nothing.
  private struct Property: Hashable, Sendable {
    let client: Client
    let range: String
  }

  private static let all = read()

  /// What is wrong with a property for one client or both; nil for nothing.
  static func problem(with pair: SettingPair, of client: Client) -> String? {
    if let other = all[pair.name]?.client, client != .both, other != .both, other != client {
      let other = other == .consumer ? "consumer" : "producer"
      return "is a property of \(other)s: it belongs to \(other)_properties"
    }
    if accepted(pair) != nil { return nil }
    guard isKnown(pair.name) else { return unknown(pair.name) }
    let range = all[pair.name]?.range ?? ""
    // It may be built without what a value needs.
    if range.isEmpty || range.split(separator: ", ").contains(pair.value.lowercased()[...]) {
      return "is not taken by this librdkafka"
    }
    let bounds = range.split(separator: " .. ")
    return bounds.count == 2
      ? "expected a whole number from \(bounds[0]) to \(bounds[1])" : "expected one of: \(range)"
  }

  /// What is wrong with the name of a property; nil for nothing.
  static func problem(withName name: String) -> String? { isKnown(name) ? nil : unknown(name) }

  /// The value as the library takes it; nil where it does not. A switch may be `yes` or `no` as
  /// elsewhere in the file; the library knows `true` and `false` only.
  static func accepted(_ pair: SettingPair) -> String? {
    [pair.value, pair.flag.map { $0 ? "true" : "false" }].compactMap { $0 }
      .first { NativeConfiguration.accepts(pair.name, $0) == true }
  }

  private static func isKnown(_ name: String) -> Bool {
    NativeConfiguration.accepts(name, "") != nil
  }

  private static func unknown(_ name: String) -> String {
    let nearest = all.keys.sorted().min { $0.distance(to: name) < $1.distance(to: name) }
    let hint = nearest.flatMap { $0.distance(to: name) <= 3 ? "; did you mean \($0)?" : nil }
    return "unknown property of librdkafka" + (hint ?? "")
  }

  private static func read() -> [String: Property] {
    var table: [String: Property] = [:]
    for line in text().split(separator: "\n") {
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).map(\.trimmed)
      guard cells.count > 3, let client = Client(rawValue: String(cells[1])) else { continue }
      // A property of topics may have the name of a global one.
      if table[String(cells[0])] == nil {
        table[String(cells[0])] = Property(client: client, range: String(cells[2]))
      }
    }
    return table
  }

  private static func text() -> String {
    var buffer: UnsafeMutablePointer<CChar>?
    var count = 0
    guard let file = unsafe open_memstream(&buffer, &count) else { return "" }
    unsafe rd_kafka_conf_properties_show(file)
    unsafe fclose(file)
    guard let text = unsafe buffer else { return "" }
    defer { unsafe free(text) }
    return unsafe String(cString: text)
  }
}
