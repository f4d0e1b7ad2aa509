package import Foundation
package import Settings

/// Where a server is: its address without what follows, and the key to it.
package struct ServerAddress: Sendable {
  /// Scheme, host, port and the path before `/v1`.
  package let root: URL
  /// The same as text, safe to show.
  package let shown: String
  /// nil where the server asks for none.
  package let apiKey: String?

  /// Reads the address and the key.
  ///
  /// - Throws: `LanguageModelError` for an address without a host, or a key that is not there.
  package init(
    _ settings: LanguageModelSettings, environment: [String: String]
  ) throws(LanguageModelError) {
    guard var parts = URLComponents(string: settings.url), parts.host?.isEmpty == false,
      ["http", "https"].contains(parts.scheme)
    else { throw LanguageModelError(.unusableSettings("not an address of HTTP"), url: "url") }
    parts.user = nil
    parts.password = nil
    parts.query = nil
    parts.fragment = nil
    while parts.path.hasSuffix("/") { parts.path.removeLast() }
    if parts.path.hasSuffix("/v1") { parts.path.removeLast(3) }
    guard let root = parts.url else {
      throw LanguageModelError(.unusableSettings("not an address of HTTP"), url: "url")
    }
    self.root = root
    shown = root.absoluteString
    apiKey = try Self.key(settings, environment, shown)
  }

  /// The address of one endpoint, such as `/v1/models`.
  package func url(_ path: String) -> URL { root.appending(path: String(path.dropFirst())) }

  private static func key(
    _ settings: LanguageModelSettings, _ environment: [String: String], _ shown: String
  ) throws(LanguageModelError) -> String? {
    if let file = settings.apiKeyFile {
      guard let path = CredentialFile.path(file, environment: environment) else {
        throw LanguageModelError(
          .unusableSettings("\(CredentialFile.variable) is not set; it comes with LoadCredential="),
          url: shown)
      }
      guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
        throw LanguageModelError(
          .unusableSettings("the file of the key cannot be read"), url: shown)
      }
      return try usable(text, shown)
    }
    if let variable = settings.apiKeyVariable {
      guard let text = environment[variable] else {
        throw LanguageModelError(
          .unusableSettings("the variable \(variable) with the key is not set"), url: shown)
      }
      return try usable(text, shown)
    }
    return nil
  }

  /// The key without its line end; a line end inside could forge a header.
  private static func usable(
    _ text: String, _ shown: String
  ) throws(LanguageModelError) -> String {
    let key = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !key.isEmpty, key.unicodeScalars.allSatisfy({ (0x21...0x7e).contains($0.value) }) else {
      throw LanguageModelError(.unusableSettings("the key is empty or no key"), url: shown)
    }
    return key
  }
}
