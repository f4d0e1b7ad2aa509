internal import Pipeline
internal import Records

// How each section of the file is read. A new key is one line here, one in `Settings`, and one in
// config/sluice.yaml, where a test misses it otherwise.

extension KafkaSettings {
  init(_ section: SectionReader) {
    bootstrapServers = section.requiredText("bootstrap_servers")
    clientID = section.text("client_id", default: "sluice")
    groupID = section.text("group_id", default: "sluice")
    groupInstanceID = section.optionalText("group_instance_id")
    transactionalID = section.optionalText("transactional_id")
    properties = section.pairs("properties").map { KafkaProperty(name: $0.name, value: $0.value) }
    consumerProperties = section.pairs("consumer_properties").map {
      KafkaProperty(name: $0.name, value: $0.value)
    }
    producerProperties = section.pairs("producer_properties").map {
      KafkaProperty(name: $0.name, value: $0.value)
    }
    secrets = section.pairs("secrets").map { KafkaSecret(name: $0.name, path: $0.value) }
    section.finish()
  }
}

extension WireSettings {
  private enum OutputFormat: String, CaseIterable {
    case same, json, protobuf
  }

  init(_ section: SectionReader) {
    inputFormat = section.choice("input_format", default: .json)
    outputFormat = PayloadFormat(
      rawValue: section.choice("output_format", default: OutputFormat.same).rawValue)
    tombstones = section.choice("tombstones", default: .deadLetter)
    echoesMetadata = section.flag("echo_metadata", default: false)
    conversations = ConversationRules()
    conversations.turns = section.choice("turns", default: conversations.turns)
    if section.node("judge") != nil {
      let kinds = section.texts("judge").map(TextKind.init)
      conversations.judged = Set(kinds.compactMap { $0 }).intersection(TextKind.optional)
      if kinds.contains(where: { $0.map { !TextKind.optional.contains($0) } ?? true }) {
        let names = TextKind.optional.map(\.rawValue).joined(separator: ", ")
        section.complain("expected a list of \(names)", about: "judge")
      }
    }
    section.finish()
  }
}

extension ModelSettings {
  init(_ section: SectionReader) {
    path = section.requiredText("path")
    pollSeconds = section.number("poll_seconds", default: 5, in: 0...86_400)
    name = section.optionalText("name")
    windowTokens = section.optionalNumber("window_tokens", in: 8...65_536)
    windowOverlapTokens = section.optionalNumber("window_overlap_tokens", in: 0...65_535)
    windowsMax = section.number("windows_max", default: 64, in: 1...65_536)
    views = []
    let names =
      section.node("views") == nil ? ["prompt", "response"] : section.requiredTexts("views")
    for name in names {
      switch name {
      case "prompt": views.insert(.prompt)
      case "response": views.insert(.response)
      default: section.complain("expected prompt, response or both", about: "views")
      }
    }
    if let window = windowTokens, let overlap = windowOverlapTokens, overlap > window / 2 {
      section.complain("must be at most half of window_tokens", about: "window_overlap_tokens")
    }
    section.finish()
  }
}

extension ShadowSettings {
  /// nil when the section names no model.
  init?(_ section: SectionReader) {
    let path = section.optionalText("path")
    share = section.real("share", default: 0.1, in: 0...1)
    queueRecordsMax = section.number("queue_records_max", default: 1000, in: 1...1_000_000)
    queueBytesMax = section.size("queue_bytes_max", default: 16 << 20, in: 1024...(1 << 40))
    threads = section.number("threads", default: 1, in: 1...4096)
    section.finish()
    guard let path else { return nil }
    self.path = path
  }
}

extension EngineSettings {
  init(_ section: SectionReader) {
    device = section.device("device")
    precision = section.choice("precision", default: .auto)
    threads = section.number("threads", default: 0, in: 0...4096)
    section.finish()
  }
}

extension StreamLimits {
  init(_ root: SectionReader) {
    self.init()
    let batchSection = root.section("batch")
    batch = BatchLimits(batchSection)
    let buffer = root.section("buffer")
    bufferRecordsMax = buffer.number("records_max", default: bufferRecordsMax, in: 1...10_000_000)
    bufferBytesMax = buffer.size("bytes_max", default: bufferBytesMax, in: 1024...(1 << 40))
    pauseAfterMilliseconds = buffer.number(
      "pause_after_milliseconds", default: pauseAfterMilliseconds, in: 0...60_000)
    if bufferRecordsMax < batch.recordsMax {
      buffer.complain("must be at least batch.records_max", about: "records_max")
    }
    if bufferBytesMax < batch.bytesMax {
      buffer.complain("must be at least batch.bytes_max", about: "bytes_max")
    }
    buffer.finish()
    let poison = root.section("poison")
    poisonAttemptsMax = poison.number("attempts_max", default: poisonAttemptsMax, in: 1...100)
    haltsOnPoison = poison.choice("action", default: PoisonAction.deadLetter) == .halt
    poison.finish()
  }

  mutating func readTransaction(_ section: SectionReader) {
    transactionRecordsMax = section.number(
      "records_max", default: transactionRecordsMax, in: 1...1_000_000)
    transactionBytesMax = section.size(
      "bytes_max", default: transactionBytesMax, in: 1024...(1 << 40))
    transactionAttemptsMax = section.number(
      "attempts_max", default: transactionAttemptsMax, in: 1...1000)
    retryBackoffMilliseconds = section.number(
      "retry_backoff_milliseconds", default: retryBackoffMilliseconds, in: 0...60_000)
  }

  private enum PoisonAction: String, CaseIterable {
    case deadLetter = "dead_letter"
    case halt
  }
}

extension BatchLimits {
  init(_ section: SectionReader) {
    self.init()
    tokensMax = section.number("tokens_max", default: tokensMax, in: 1...10_000_000)
    recordsMax = section.number("records_max", default: recordsMax, in: 1...1_000_000)
    bytesMax = section.size("bytes_max", default: bytesMax, in: 1024...(1 << 40))
    lingerMilliseconds = section.number(
      "linger_milliseconds", default: lingerMilliseconds, in: 0...60_000)
    ageMaxMilliseconds = section.number(
      "age_max_milliseconds", default: ageMaxMilliseconds, in: 0...60_000)
    section.finish()
  }
}

extension PolicyBook {
  init(_ root: SectionReader) {
    self.init()
    let section = root.section("policies")
    var named: [String: Policy] = [:]
    for (name, _) in section.keys { named[name] = Policy(section.section(name), name: name) }
    standard = named["default"] ?? Policy()
    let tenants = root.section("tenants")
    for (tenant, node) in tenants.keys {
      let name = tenants.optionalText(tenant) ?? ""
      if let policy = named[name] ?? (name == "default" ? standard : nil) {
        byTenant[tenant] = policy
      } else {
        tenants.complain("expected the name of a policy", about: tenant, at: node)
      }
    }
  }
}

extension Policy {
  fileprivate init(_ section: SectionReader, name: String) {
    self.init(name: name)
    threshold = Float(section.real("threshold", default: Double(threshold), in: 0...1))
    action = section.choice("action", default: action)
    mode = section.choice("mode", default: mode)
    unjudged = section.choice("unjudged", default: unjudged)
    section.finish()
  }
}

extension TelemetrySettings {
  init(_ section: SectionReader) {
    listen = Self.endpoint(section, "listen", default: "127.0.0.1:9464")
    logLevel = section.choice("log_level", default: .info)
    logFormat = section.choice("log_format", default: .text)
    section.finish()
  }

  /// An address to listen on; nil for `none`.
  static func endpoint(
    _ section: SectionReader, _ key: String, default standard: String
  ) -> Endpoint? {
    let text = section.text(key, default: standard)
    if text == "none" { return nil }
    let endpoint = Endpoint(text)
    if endpoint == nil {
      section.complain("expected an IPv4 address and port, or none", about: key)
    }
    return endpoint
  }
}

extension TelemetrySettings.Endpoint {
  /// `address:port` with an IPv4 address.
  init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let port = UInt16(parts[1]) else { return nil }
    let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard numbers.count == 4, numbers.allSatisfy({ UInt8($0) != nil }) else { return nil }
    self.init(address: String(parts[0]), port: port)
  }
}
