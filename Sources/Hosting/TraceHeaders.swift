internal import Foundation
internal import Settings

/// The headers in a file: one in a line, its name and value apart by a colon.
enum TraceHeaders {
  /// - Parameter file: nil for no headers.
  static func read(
    _ file: String?, environment: [String: String]
  ) throws(StartFailure) -> [String: String] {
    guard let file else { return [:] }
    let place = "telemetry.traces.headers_file"
    guard let path = CredentialFile.path(file, environment: environment) else {
      throw .configuration(
        "\(place): \(CredentialFile.variable) is not set; it comes with LoadCredential=")
    }
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw .configuration("\(place): the file cannot be read")
    }
    var headers: [String: String] = [:]
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (number, line) in lines.enumerated() {
      let line = line.trimmingCharacters(in: .whitespaces)
      if line.isEmpty { continue }
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let value = parts.last?.trimmingCharacters(in: .whitespaces) ?? ""
      guard parts.count == 2, isToken(parts[0]), !value.isEmpty,
        value.unicodeScalars.allSatisfy({ (0x20...0x7e).contains($0.value) })
      else {
        throw .configuration("\(place): line \(number + 1) is no header such as \"Name: value\"")
      }
      headers[String(parts[0])] = value
    }
    return headers
  }

  /// Whether a name may be that of a header (RFC 9110 §5.6.2).
  private static func isToken(_ name: Substring) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy { byte in
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & 0xdf)
          || "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
  }
}
