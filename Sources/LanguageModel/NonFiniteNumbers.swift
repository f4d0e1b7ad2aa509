internal import Foundation

/// Numbers that Python's `json` writes and JSON does not know: log-probabilities of 0.
enum NonFiniteNumbers {
  /// Beyond every logarithm of a probability, and a number.
  private static let replacements: [(word: [UInt8], number: [UInt8])] = [
    (Array("-Infinity".utf8), Array("-1e308".utf8)), (Array("Infinity".utf8), Array("1e308".utf8)),
    (Array("NaN".utf8), Array("1e308".utf8)),
  ]

  /// The text with `-Infinity`, `Infinity` and `NaN` outside of strings replaced by -1e308, 1e308
  /// and 1e308, which is the logarithm of no probability.
  static func replaced(in data: Data) -> Data {
    let bytes = Array(data)
    guard bytes.contains(UInt8(ascii: "I")) || bytes.contains(UInt8(ascii: "N")) else {
      return data
    }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    var isInString = false
    while index < bytes.count {
      let rest = bytes[index...]
      if !isInString, let (word, number) = replacements.first(where: { rest.starts(with: $0.word) })
      {
        result += number
        index += word.count
        continue
      }
      let byte = bytes[index]
      if isInString, byte == UInt8(ascii: "\\"), index + 1 < bytes.count {
        result += [byte, bytes[index + 1]]
        index += 2
        continue
      }
      if byte == UInt8(ascii: "\"") { isInString.toggle() }
      result.append(byte)
      index += 1
    }
    return Data(result)
  }
}
