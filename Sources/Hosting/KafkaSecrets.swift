internal import FoundationEssentials
internal import Kafka
internal import Sections

/// The values of properties that stand in files.
struct KafkaSecrets: Sendable {
  private(set) var values: [(name: String, value: String)] = []
  /// Files that cannot be read.
  private(set) var problems: [SettingsProblem] = []
  /// Properties whose files only a unit of systemd's has, which this process is not part of.
  private(set) var elsewhere: [KafkaSecret] = []

  private static let variable = "$CREDENTIALS_DIRECTORY"

  init(_ secrets: [KafkaSecret], environment: [String: String]) {
    for secret in secrets {
      guard let path = Self.expand(secret.path, environment) else {
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
          "\(Self.variable) is not set; it comes with LoadCredential=", at: secret.place)
      }
  }

  private static func expand(_ path: String, _ environment: [String: String]) -> String? {
    guard path.hasPrefix(variable) else { return path }
    return environment["CREDENTIALS_DIRECTORY"].map { $0 + path.dropFirst(variable.count) }
  }
}

extension String {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
    var rest = self[...]
    while let last = rest.last, predicate(last) { rest.removeLast() }
    return rest
  }
}
