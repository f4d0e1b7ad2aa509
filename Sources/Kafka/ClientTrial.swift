internal import Glibc
package import Sections

/// Makes clients without brokers, to learn whether their properties fit together: nothing is asked
/// over the network.
package struct ClientTrial {
  private let properties: [KafkaProperty]
  private let secrets: [String]
  private let areFilesThere: Bool
  private(set) package var problems: [SettingsProblem] = []

  /// Properties whose value is a file that the library reads.
  private static let files: Set<String> = [
    "ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.keystore.location",
    "ssl.crl.location",
  ]

  /// A trial of these settings' properties; `secrets` are values that no message repeats.
  package init(_ settings: KafkaSettings, secrets: [String]) {
    properties = settings.properties + settings.consumerProperties + settings.producerProperties
    self.secrets = secrets + properties.filter(\.isSecret).map(\.value)
    // This value looks for the system's own place.
    for property in properties where property.value != "probe" {
      guard Self.files.contains(property.name), let place = property.place,
        unsafe access(property.value, R_OK) != 0
      else { continue }
      problems.append(SettingsProblem("the file cannot be read", at: place))
    }
    areFilesThere = problems.isEmpty
  }

  /// Makes a consumer of these properties and notes why there can be none.
  package mutating func consumer(_ configuration: KafkaConfiguration) {
    attempt { () throws(KafkaError) in _ = try KafkaConsumer(configuration.offline) }
  }

  /// Makes a producer of these properties and notes why there can be none.
  package mutating func producer(_ configuration: KafkaConfiguration) {
    attempt { () throws(KafkaError) in _ = try KafkaProducer(configuration.offline) }
  }

  private mutating func attempt(_ make: () throws(KafkaError) -> Void) {
    guard areFilesThere else { return }
    do throws(KafkaError) {
      try make()
    } catch {
      // Anything else is no matter of the settings, and may pass.
      if error.code == .invalidArgument { note(error.message) }
    }
  }

  private mutating func note(_ message: String) {
    let text = secrets.reduce(message) { text, secret in
      secret.isEmpty ? text : text.replacing(secret, with: "...")
    }
    let problem = SettingsProblem(text, at: place(of: message))
    if !problems.contains(problem) { problems.append(problem) }
  }

  /// Where the property stands that a message is about: one that it names, or else one that asks
  /// for what it names.
  private func place(of message: String) -> SettingsPlace {
    let named = properties.filter { message.contains($0.name) }
    if let place = named.max(by: { $0.name.count < $1.name.count })?.place { return place }
    if message.contains("sasl.") || message.contains("SASL") {
      for prefix in ["sasl.mechanism", "sasl.", "security.protocol"] {
        let asking = properties.first { $0.name.hasPrefix(prefix) }
        if let place = asking?.place { return place }
      }
    }
    guard let first = properties.lazy.compactMap(\.place).first else {
      return SettingsPlace(file: "kafka", line: nil, column: nil, path: "")
    }
    return SettingsPlace(file: first.file, line: first.line, column: first.column, path: "kafka")
  }
}

extension KafkaConfiguration {
  /// Without brokers, and without what would ask a server for tickets or tokens at once.
  fileprivate var offline: KafkaConfiguration {
    var configuration = self
    configuration["bootstrap.servers"] = nil
    configuration["metadata.broker.list"] = nil
    configuration["sasl.kerberos.min.time.before.relogin"] = "0"
    if configuration["sasl.oauthbearer.method"] == "oidc" {
      configuration["sasl.oauthbearer.method"] = nil
    }
    return configuration
  }
}
