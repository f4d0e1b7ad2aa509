import TestSupport

/// A page of a daemon's status server.
struct StatusPage: Sendable {
  let status: Int
  let body: String

  /// Nil where nobody answers in time.
  init?(_ path: String, port: UInt16) {
    guard let connection = Socket.connected(to: port),
      connection.write(Array("GET \(path) HTTP/1.0\r\nHost: localhost\r\n\r\n".utf8))
    else { return nil }
    let answer = connection.readUntilEnd(pause: .seconds(3), bytesMax: 1 << 22)
    let text = String(decoding: answer.bytes, as: UTF8.self)
    let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
    let words = parts.first?.split(separator: " ", maxSplits: 2) ?? []
    guard answer.isEnded, parts.count == 2, words.count > 1, let status = Int(words[1]) else {
      return nil
    }
    (self.status, body) = (status, String(parts[1]))
  }

  /// The values of a metric, whatever their labels, with the text of these.
  func values(of name: String) -> [(labels: Substring, value: Double)] {
    body.split(separator: "\n").compactMap { line in
      guard line.hasPrefix(name), let space = line.lastIndex(of: " "),
        let value = Double(line[line.index(after: space)...])
      else { return nil }
      let labels = line[line.index(line.startIndex, offsetBy: name.count)..<space]
      return labels.isEmpty || labels.hasPrefix("{") ? (labels, value) : nil
    }
  }

  /// The sum over all labels; nil where there is none.
  func sum(of name: String) -> Double? {
    let values = values(of: name)
    return values.isEmpty ? nil : values.reduce(0) { $0 + $1.value }
  }

  /// The counts of a histogram up to each bound, in the order of bounds, of all labels together.
  func histogram(_ name: String) -> Histogram {
    var counts: [Double: Double] = [:]
    for (labels, value) in values(of: "\(name)_bucket") {
      guard let start = labels.range(of: "le=\"")?.upperBound,
        let end = labels[start...].firstIndex(of: "\""), let bound = Double(labels[start..<end])
      else { continue }
      counts[bound, default: 0] += value
    }
    return Histogram(
      bounds: counts.keys.sorted(), counts: counts.sorted { $0.key < $1.key }.map(\.value))
  }
}
