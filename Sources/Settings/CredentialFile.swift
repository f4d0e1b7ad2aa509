/// Files of secrets, whose paths may begin with the folder that systemd makes for a unit.
package enum CredentialFile {
  /// What stands for that folder.
  package static let variable = "$CREDENTIALS_DIRECTORY"

  /// The path with the folder's name in full; nil where there is no such folder, since the process
  /// is not part of a unit with `LoadCredential=`.
  package static func path(_ path: String, environment: [String: String]) -> String? {
    guard path.hasPrefix(variable) else { return path }
    return environment["CREDENTIALS_DIRECTORY"].map { $0 + path.dropFirst(variable.count) }
  }
}
