import Pipeline
import Records
import Sections
import Settings
import TestSupport
import Testing
import Wire

@Suite struct SettingsTests {
  private let least = """
    kafka: {bootstrap_servers: "localhost:9092"}
    topics: {input: chat.exchanges, verdicts: chat.verdicts}
    model: {path: bundled}
    """

  private func problems(_ yaml: String) -> [String] {
    do throws(SettingsError) {
      _ = try Settings(yaml: yaml, file: "s.yaml")
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  @Test func devicesAreNames() throws {
    let devices: [(String, EngineSettings.Device)] = [
      ("auto", .auto), ("cpu", .cpu), ("cuda", .cuda(0)), ("cuda:0", .cuda(0)),
      ("cuda:7", .cuda(7)),
    ]
    for (text, device) in devices {
      let yaml = least + "\nengine: {device: \"\(text)\", precision: bf16}"
      let engine = try Settings(yaml: yaml, file: "s.yaml").engine
      #expect(engine == EngineSettings(device: device, precision: .bf16))
    }
    for text in ["gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:256", "CUDA:0", ""] {
      #expect(
        problems(least + "\nengine: {device: \"\(text)\"}")
          == ["s.yaml:4:18: engine.device: expected auto, cpu or cuda:N"])
    }
    #expect(
      problems(least + "\nengine: {precision: fp4}")[0].contains("expected one of: auto, fp32"))
  }

  @Test func theBundledModelIsTheDefault() throws {
    let without = least.split(separator: "\n").dropLast().joined(separator: "\n")
    #expect(try Settings(yaml: without, file: "s") == Settings(yaml: least, file: "s"))
    let named = without + "\nmodel: {path: /var/lib/sluice/models/current}"
    #expect(
      try Settings(yaml: named, file: "s").model.path == "/var/lib/sluice/models/current")
  }

  @Test func theDocumentedDefaultsAreTheDefaults() throws {
    var documented = try Settings(file: SourceTree.url("config/sluice.yaml").path)
    let label = "\nlabel: {teacher: {url: \"http://localhost:8000\"}}"
    let retrain = "\nretrain: {gate: {gold: /etc/sluice/gold.jsonl}}"
    #expect(try documented == Settings(yaml: least + label + retrain, file: "s.yaml"))
    documented.retrain = nil
    #expect(try documented == Settings(yaml: least + label, file: "s.yaml"))
    documented.label = nil
    #expect(try documented == Settings(yaml: least, file: "s.yaml"), "without its section")
  }

  @Test(arguments: [
    ("label: {}", "label.teacher.url: is required"),
    ("label: {teacher: {url: x}}", "begins with http:// or https://"),
    ("label: {topic: chat.verdicts, teacher: {url: 'http://x'}}", "label.topic: is a topic of"),
    ("label: {group_id: sluice, teacher: {url: 'http://x'}}", "must differ from kafka.group_id"),
    ("label: {teacher: {url: 'http://x'}, sampling: {random_rate: 0}}", "expected a number from"),
    ("label: {teacher: {url: 'http://x'}, sampling: {random_rat: 1}}", "did you mean random_rate"),
    ("label: {teacher: {url: 'http://x'}, test_share: 0.5, validation_share: 0.5}", "for training"),
    ("label: {teacher: {url: 'http://x'}, when_unavailable: panic}", "expected one of: wait, shed"),
    ("label: {teacher: {url: 'http://x'}, listen: here}", "label.listen: expected an IPv4"),
    ("label: {teacher: {url: 'http://x'}, attempts_max: 0}", "label.attempts_max: expected"),
  ])
  func theLabellingServicesKeysAreChecked(addition: String, message: String) {
    let found = problems(least + "\n" + addition)
    #expect(found.contains { $0.contains(message) }, "\(found)")
  }

  @Test(arguments: [
    ("retrain: {gate: {gold: g}}", "retrain: needs the section label"),
    ("retrain: {}", "retrain.gate.gold: is required"),
    ("retrain: {gate: {gold: []}}", "expected texts that are not empty"),
    ("retrain: {gate: {gold: g, latency: 2}}", "retrain.gate.latency: unknown key"),
    ("retrain: {gate: {gold: g}, training: {method: none}}", "expected one of: full, lora"),
    ("retrain: {gate: {gold: g}, training: {precision: int8}}", "one of: auto, fp32, bf16"),
    ("retrain: {gate: {gold: g}, dataset: {replay: [\"\"]}}", "retrain.dataset.replay: expected"),
  ])
  func theRetrainJobsKeysAreChecked(addition: String, message: String) {
    let found = problems(least + "\n" + addition)
    #expect(found.contains { $0.contains(message) }, "\(found)")
  }

  @Test func aCapOrATimeToLiveOfZeroIsNone() throws {
    let yaml = """
      label:
        time_to_live_days: 0
        teacher: {url: "https://x", model: m}
        sampling: {labels_per_tenant_per_hour: 0}
      """
    let label = try #require(try Settings(yaml: least + "\n" + yaml, file: "s.yaml").label)
    #expect(label.timeToLiveMilliseconds == nil)
    #expect(label.limits.labelsPerTenantPerHour == nil)
    #expect(label.listen?.port == 9465)
  }

  @Test func everyFileInConfigLoads() throws {
    // What other programs read has tests of its own.
    let files = try SourceTree.files(under: "config", extensions: ["yaml"]).filter {
      $0.deletingLastPathComponent().lastPathComponent == "config"
    }
    #expect(files.count >= 2)
    for file in files {
      if file.lastPathComponent.hasPrefix("augment.") {
        _ = try AugmentationSettings(file: file.path)
      } else {
        _ = try Settings(file: file.path)
      }
    }
  }

  @Test func everyKeyIsDocumented() throws {
    let text = try String(contentsOf: SourceTree.url("config/sluice.yaml"), encoding: .utf8)
    let documented = Set(text.matches(of: /([a-z_]+):(?=[\s])/).map { String($0.1) })
    let collector = ProblemCollector(file: "sluice.yaml")
    _ = Settings(
      SectionReader(
        SettingsDocument.compose(text, collector, environment: [:]), path: "", problems: collector))
    #expect(collector.askedPaths.count > 100)
    for path in collector.askedPaths.sorted() {
      let key = path.split(separator: ".").last.map(String.init) ?? path
      #expect(documented.contains(key), "\(path)")
    }
  }

  @Test func everythingCanBeSet() throws {
    let settings = try Settings(
      yaml: """
        kafka:
          bootstrap_servers: a:1,b:2
          group_instance_id: one
          properties: {security.protocol: ssl}
          secrets: {sasl.password: $CREDENTIALS_DIRECTORY/password}
        topics: {input: [x, y], verdicts: v, clean: c, quarantine: q}
        delivery: at_least_once
        wire: {output_format: protobuf, tombstones: skip, echo_metadata: true}
        shadow: {path: /s, share: 0.5, queue_bytes_max: 1MiB}
        model: {path: /m, poll_seconds: 0, window_tokens: 256, window_overlap_tokens: 64, views: [prompt],
                unsafe_label: [INJECTION, JAILBREAK]}
        batch: {tokens_max: 100, bytes_max: 64 kB}
        buffer: {bytes_max: 1MiB}
        policies: {default: {threshold: 0.9}, strict: {threshold: 0.1, mode: monitor}}
        tenants: {acme: strict}
        telemetry: {listen: none, log_format: json, traces: {endpoint: "https://c:4318/", sample_share: 1}}
        """, file: "s.yaml")
    #expect(settings.inputTopics == ["x", "y"])
    #expect(settings.outputTopics.all == ["v", "chat.dead-letters", "c", "q"])
    #expect(settings.delivery == .atLeastOnce)
    #expect(settings.wire.outputFormat == .protobuf)
    #expect(settings.wire.tombstones == .skip)
    #expect(settings.model.views == .prompt)
    #expect(settings.model.unsafeLabels == ["INJECTION", "JAILBREAK"])
    #expect(settings.model.pollSeconds == 0)
    #expect(settings.shadow?.share == 0.5)
    #expect(settings.shadow?.queueBytesMax == 1 << 20)
    #expect(settings.limits.batch.bytesMax == 64_000)
    #expect(settings.limits.bufferBytesMax == 1 << 20)
    #expect(settings.policies.policy(for: "acme").mode == .monitor)
    #expect(settings.policies.policy(for: "other").threshold == 0.9)
    #expect(settings.telemetry.listen == nil)
    #expect(settings.telemetry.traces?.url.absoluteString == "https://c:4318/v1/traces")
    #expect(settings.telemetry.traces?.sampleShare == 1)
    #expect(settings.kafka.secrets.first?.path == "$CREDENTIALS_DIRECTORY/password")
  }

  @Test func addressesAreOfEitherVersion() {
    typealias Endpoint = TelemetrySettings.Endpoint
    let good: [(String, String, UInt16)] = [
      ("127.0.0.1:9464", "127.0.0.1", 9_464), ("0.0.0.0:1", "0.0.0.0", 1),
      ("[::1]:9464", "::1", 9_464), ("[::]:65535", "::", 65_535),
      ("[2001:db8::1]:80", "2001:db8::1", 80), ("[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1", 80),
    ]
    for (text, address, port) in good {
      let endpoint = Endpoint(text)
      #expect(endpoint?.address == address && endpoint?.port == port, "\(text)")
    }
    let bad = [
      "", ":", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
      "127.0.0.1:+1", "127.0.0.1:1:2", "127.0.0:1", "localhost:9464", "::1:9464", "[::1]", "[::1]:",
      "[::1:9464", "::1]:9464", "[127.0.0.1]:9464", "[]:9464", "[fe80::1%lo]:9464", " [::1]:1",
      "[[::1]]:1",
    ]
    for text in bad { #expect(Endpoint(text) == nil, "\(text)") }
  }

  @Test func allMistakesAreFoundAtOnceWithTheirPlaces() {
    let found = problems(
      """
      kafka: {bootstrap_servers: "localhost:9092"}
      topics:
        input: chat.exchanges
        verdicts: chat.verdicts
      model: {path: /m}
      batch:
        tokens_max: many
        linger_miliseconds: 3
      delivery: twice
      """)
    #expect(
      found == [
        "s.yaml:7:15: batch.tokens_max: expected a whole number from 1 to 10000000",
        "s.yaml:8:3: batch.linger_miliseconds: unknown key; did you mean linger_milliseconds?",
        "s.yaml:9:11: delivery: expected one of: exactly_once, at_least_once",
      ])
  }

  @Test(arguments: [
    ("topics: {input: a, verdicts: b}\nmodel: {path: /m}", "kafka.bootstrap_servers: is required"),
    ("kafka: 5", "kafka: expected keys with values"),
    ("kafka: {bootstrap_servers: [", "s.yaml:1:29"),
    ("kafka:\n  {\n\n", "s.yaml:2:4"),
    ("kafka: ]\n\n", "s.yaml:1:8"),
    ("kafka: {}\nkafka: {}", "the key occurs twice"),
    ("- a\n- b", "expected keys with values"),
    ("", "kafka.bootstrap_servers: is required"),
    ("kafka: {bootstrap_servers: ''}", "expected a text that is not empty"),
  ])
  func brokenFilesAreRefused(yaml: String, message: String) {
    #expect(problems(yaml).contains { $0.contains(message) }, "\(problems(yaml))")
  }

  @Test(arguments: [
    ("buffer: {records_max: 10}", "buffer.records_max: must be at least batch.records_max"),
    ("buffer: {bytes_max: 2MiB}", "buffer.bytes_max: must be at least batch.bytes_max"),
    ("drain_timeout_milliseconds: 400000", "must be less than max.poll.interval.ms"),
    ("tenants: {acme: nowhere}", "tenants.acme: expected the name of a policy"),
    ("policies: {default: {threshold: 1.5}}", "expected a number from 0.0 to 1.0"),
    ("policies: {default: {treshold: 0.5}}", "did you mean threshold?"),
    ("policies: {default: {categories: {hate: {threshold: 2}}}}", "from 0.0 to 1.0"),
    ("policies: {default: {categories: {hate: {action: block}}}}", "hate.action: expected"),
    ("policies: {default: {categories: {hate: 0.5}}}", "policies.default.categories.hate"),
    ("shadow: {path: /s, share: 2}", "shadow.share: expected a number from 0.0 to 1.0"),
    ("telemetry: {listen: everywhere}", "expected an IPv4 address or an IPv6 address in brackets"),
    ("telemetry: {traces: {endpoint: collector}}", "traces.endpoint: expected an address such as"),
    ("telemetry: {traces: {endpoint: \"http://\"}}", "expected an address such as"),
    ("telemetry: {traces: {endpoint: \"http://u:p@c\"}}", "expected an address such as"),
    ("telemetry: {traces: {endpoint: \"grpc://c:4317\"}}", "expected an address such as"),
    ("telemetry: {traces: {sample_share: 1.5}}", "expected a number from 0.0 to 1.0"),
    ("watchdog_stall_seconds: 0", "expected a whole number from 1 to 86400"),
    ("batch: {bytes_max: 4 parsecs}", "expected a size such as 4MiB"),
    ("wire: {echo_metadata: perhaps}", "expected true or false"),
  ])
  func eachBoundIsChecked(addition: String, message: String) {
    let found = problems(least + "\n" + addition)
    #expect(found.contains { $0.contains(message) }, "\(found)")
  }

  @Test(arguments: [
    ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
    ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
    ("http://c/v1/traces", "http://c/v1/traces"), ("https://c/otlp", "https://c/otlp"),
    ("https://c/otlp?project=a", "https://c/otlp?project=a"),
  ])
  func aCollectorsPathIsTheProtocolsUnlessItIsNamed(endpoint: String, url: String) throws {
    let traces = "\ntelemetry: {traces: {endpoint: \"\(endpoint)\"}}"
    let settings = try Settings(yaml: least + traces, file: "s.yaml")
    #expect(settings.telemetry.traces?.url.absoluteString == url)
    #expect(settings.telemetry.traces?.sampleShare == 0.01)
  }

  @Test func categoriesTakeWhatTheyDoNotSayFromTheirPolicy() throws {
    let settings = try Settings(
      yaml: least + """

        policies:
          default:
            threshold: 0.4
            action: flag
            categories:
              hate: {}
              Self Harm: {threshold: 0.2, action: quarantine}
              spam: {action: allow}
        """, file: "s")
    #expect(
      settings.policies.standard.categories == [
        "hate": CategoryRule(threshold: 0.4, action: .flag),
        "Self Harm": CategoryRule(threshold: 0.2, action: .quarantine),
        "spam": CategoryRule(threshold: 0.4, action: nil),
      ])
  }

  @Test func topicsMustDiffer() {
    let found = problems(
      """
      kafka: {bootstrap_servers: x}
      topics: {input: [a, b], verdicts: a, clean: c, quarantine: c}
      model: {path: /m}
      """)
    #expect(found.contains { $0.contains("topics.verdicts: is also an input topic") })
    #expect(found.contains { $0.contains("topics.quarantine: is the same topic as clean") })
  }

  /// One record became hundreds of thousands, each the verdict on the one before.
  @Test(arguments: ["verdicts", "dead_letters", "clean", "quarantine", "disagreements", "label"])
  func noPatternMatchesAnOutput(key: String) {
    var topics = [
      "verdicts": "v", "dead_letters": "d", "clean": "c", "quarantine": "q",
      "disagreements": "s", "label": "l",
    ]
    topics[key] = "loop.out"
    let label = topics.removeValue(forKey: "label") ?? ""
    let outputs = topics.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    for (pattern, matches) in [
      (#"^loop\..*"#, true), ("^loop", true), ("^.*out$", true), ("^(x|loop.out)", true),
      ("^loop$", false), (#"^loop\.(in|other)"#, false), ("loop", false),
    ] {
      let found = problems(
        """
        kafka: {bootstrap_servers: x}
        topics: {input: ['\(pattern)'], \(outputs)}
        model: {path: /m}
        label: {topic: \(label), store: /s, teacher: {url: "http://x"}}
        """
      ).filter { $0.contains("is also an input topic: \(pattern) matches it") }
      #expect(found.count == (matches ? 1 : 0), "\(pattern): \(found)")
    }
  }

  @Test func whatAVariableHoldsIsNotSaid() {
    let yaml = """
      kafka: {bootstrap_servers: b, properties: {max.poll.interval.ms: "${P}"}}
      topics: {input: ["${I}", "${J}"], verdicts: v}
      model: {path: /m}
      drain_timeout_milliseconds: 9999
      """
    let error = #expect(throws: SettingsError.self) {
      try Settings(
        yaml: yaml, file: "s", environment: ["P": "9876", "I": "^.*v$", "J": "^("])
    }
    let text = error?.description ?? ""
    for value in ["9876", "^.*v", "^("] { #expect(!text.contains(value), "\(text)") }
    #expect(error?.problems.count == 3, "\(text)")
  }

  @Test func aTenantsNameIsATextInQuotesOrNot() throws {
    let tenants = "{123: strict, \"456\": strict, yes: strict, 'null': strict, '': strict}"
    let settings = try Settings(
      yaml: least + "\npolicies: {strict: {threshold: 0.2}}\ntenants: \(tenants)", file: "s")
    for tenant in ["123", "456", "yes", "null", ""] {
      #expect(settings.policies.policy(for: tenant).name == "strict", "\(tenant)")
    }
    #expect(
      problems(least + "\ntenants: {1: default, '1': default}")
        == ["s.yaml:4:23: tenants.1: the key occurs twice"])
  }

  @Test func theLabelsTopicHasAPlace() {
    let found = problems(
      """
      kafka: {bootstrap_servers: x}
      topics: {input: '^(chat|teacher)', verdicts: v}
      model: {path: /m}
      label: {group_id: sluice, teacher: {url: "http://x"}}
      """)
    #expect(
      found == [
        "s.yaml:2:9: topics.dead_letters: is also an input topic: ^(chat|teacher) matches it",
        "s.yaml:4:8: label.topic: is also an input topic: ^(chat|teacher) matches it",
        "s.yaml:4:19: label.group_id: must differ from kafka.group_id",
      ])
  }

  @Test func aMissingFileIsNamed() {
    #expect(throws: SettingsError.self) { try Settings(file: "/nowhere/sluice.yaml") }
  }

  @Test func whatOfAConversationIsJudgedCanBeSet() throws {
    let minimal = """
      kafka: {bootstrap_servers: "b:1"}
      topics: {input: a, verdicts: b, dead_letters: c}
      model: {path: /m}

      """
    let standard = try Settings(yaml: minimal, file: "t").wire.conversations
    #expect(standard == ConversationRules())
    let all = try Settings(
      yaml: minimal + "wire: {turns: all, judge: [system, reasoning]}", file: "t")
    #expect(
      all.wire.conversations == ConversationRules(turns: .all, judged: [.system, .reasoning]))
    let none = try Settings(yaml: minimal + "wire: {judge: []}", file: "t")
    #expect(none.wire.conversations.judged == [])
    for bad in ["judge: [attachments]", "judge: [thoughts]", "judge: [user]", "turns: some"] {
      #expect(throws: SettingsError.self, "\(bad)") {
        try Settings(yaml: minimal + "wire: {\(bad)}", file: "t")
      }
    }
  }
}
