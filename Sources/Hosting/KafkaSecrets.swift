internal import FoundationEssentials
internal import Kafka
internal import Sections
internal import Settings

/// The values of properties that stand in files.
struct KafkaSecrets: Sendable {
  private(set) var values: [(name: String, value: String)] = []
  /// Files that cannot be read.
  private(set) var problems: [SettingsProblem] = []
  /// Properties whose files only a unit of systemd's has, which this process is not part of.
  private(set) var elsewhere: [KafkaSecret] = []

  init(_ secrets: [KafkaSecret], environment: [String: String]) {
    for secret in secrets {
      guard let path = CredentialFile.path(secret.path, environment: environment) else {
        elsewhere.append(secret)
        continue
      }
      if let text = try? String(contentsOf: URL(filePath: path), encoding: .utf8) {
        values.append((secret.name, String(text.trimmingSuffix { $0.isNewline })))
      } else {
        problems.append(SettingsProblem("the file cannot be read", at: secret.place))
      }
    }
  }

  /// The problems, with those secrets that are elsewhere.
  var allProblems: [SettingsProblem] {
    problems
      + elsewhere.map { secret in
        SettingsProblem(
          "\(CredentialFile.variable) is not set; it comes with LoadCredential=", at: secret.place)
      }
  }
}

extension String {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
    var rest = self[...]
    while let last = rest.last, predicate(last) { rest.removeLast() }
    return rest
  }
}
