package import Pipeline
package import Records

/// All settings of the daemon. `config/sluice.yaml` documents each key and its default.
package struct Settings: Hashable, Sendable {
  package var kafka: KafkaSettings
  /// The topics that are read.
  package var inputTopics: [String]
  package var outputTopics: OutputTopics
  /// Receives a copy of each exchange that a challenger would have decided otherwise; nil for none.
  package var disagreementsTopic: String?
  package var delivery: Delivery
  package var wire: WireSettings
  package var model: ModelSettings
  /// A second model that is watched but decides nothing; nil for none.
  package var shadow: ShadowSettings?
  package var engine: EngineSettings
  package var limits: StreamLimits
  /// How long one transaction may take before it is given up.
  package var transactionTimeoutMilliseconds: Int
  /// Threads that decode and tokenize; 0 for one per four cores.
  package var preparationThreads: Int
  package var drainTimeoutMilliseconds: Int
  package var policies: PolicyBook
  package var telemetry: TelemetrySettings
  /// Without a commit for that long, while records wait, the watchdog is no longer fed.
  package var watchdogStallSeconds: Int
  /// The labelling service; nil when the file says nothing of it.
  package var label: LabelSettings?
  /// The retrain job; nil when the file says nothing of it.
  package var retrain: RetrainSettings?

  /// All topics that the filter reads or writes.
  package var allTopics: [String] {
    outputTopics.all + inputTopics + [disagreementsTopic].compactMap { $0 }
  }
}

/// What is promised about each record.
package enum Delivery: String, Hashable, Sendable, CaseIterable {
  /// Outputs and offsets are one transaction.
  case exactlyOnce = "exactly_once"
  /// Outputs first, then offsets: a crash in between repeats outputs.
  case atLeastOnce = "at_least_once"
}

/// How to reach the brokers, and as whom.
package struct KafkaSettings: Hashable, Sendable {
  package var bootstrapServers: String
  package var clientID: String
  package var groupID: String
  /// The name of this member for static membership; nil for a dynamic one.
  package var groupInstanceID: String?
  /// The name under which transactions are made; nil derives it from group and member.
  package var transactionalID: String?
  /// librdkafka's properties for both clients, in the order of the file.
  package var properties: [KafkaProperty]
  package var consumerProperties: [KafkaProperty]
  package var producerProperties: [KafkaProperty]
  /// Properties whose values stand in files.
  package var secrets: [KafkaSecret]
}

/// One property of librdkafka.
package struct KafkaProperty: Hashable, Sendable {
  package let name: String
  package let value: String

  package init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}

/// One property of librdkafka whose value stands in a file.
package struct KafkaSecret: Hashable, Sendable {
  package let name: String
  /// The file; a leading `$CREDENTIALS_DIRECTORY` is the one that systemd provides.
  package let path: String
}

/// How payloads are read and written.
package struct WireSettings: Hashable, Sendable {
  /// The format of records without a `content-type` header.
  package var inputFormat: PayloadFormat
  /// The format of verdicts; nil writes each in the format of its exchange.
  package var outputFormat: PayloadFormat?
  package var tombstones: TombstonePolicy
  package var echoesMetadata: Bool
  /// How a list of messages becomes an exchange.
  package var conversations: ConversationRules
}

/// Which model judges, and how texts are cut for it.
package struct ModelSettings: Hashable, Sendable {
  /// A folder in Hugging Face's layout, or a symbolic link to one, such as a registry's `current`.
  package var path: String
  /// How often to look whether the link leads elsewhere now; 0 for never.
  package var pollSeconds: Int
  /// The name in verdicts; nil takes the folder's.
  package var name: String?
  /// Token ids in one sequence at most; nil takes the model's own limit.
  package var windowTokens: Int?
  /// Pieces that two neighbouring windows share; nil takes a quarter of the window.
  package var windowOverlapTokens: Int?
  /// Sequences of one exchange at most; a longer text becomes a dead letter.
  package var windowsMax: Int
  package var views: JudgedViews

  /// The defaults for a model in a folder.
  package init(path: String) {
    self.path = path
    pollSeconds = 5
    windowsMax = 64
    views = [.prompt, .response]
  }
}

/// A challenger that scores a share of the traffic without any effect on verdicts.
package struct ShadowSettings: Hashable, Sendable {
  /// A model folder or a link to one, as `model.path`.
  package var path: String
  /// The share of judged records that it scores, from 0 to 1.
  package var share: Double
  /// Records that may wait for it; what comes beyond is left out and counted.
  package var queueRecordsMax: Int
  package var queueBytesMax: Int
  /// Threads of its engine.
  package var threads: Int
}

/// What the model runs on.
package struct EngineSettings: Hashable, Sendable {
  /// The device to run on.
  package enum Device: Hashable, Sendable {
    /// The first GPU where there is a usable one, else the CPU.
    case auto
    case cpu
    /// The GPU at that place in the driver's list, and nothing else.
    case cuda(Int)

    /// What settings and options say: `auto`, `cpu`, `cuda` or `cuda:N`.
    package init?(_ text: some StringProtocol) {
      switch text {
      case "auto": self = .auto
      case "cpu": self = .cpu
      case "cuda": self = .cuda(0)
      default:
        guard text.hasPrefix("cuda:"), let number = UInt8(text.dropFirst(5)) else { return nil }
        self = .cuda(Int(number))
      }
    }
  }

  /// The numbers that a GPU multiplies; a CPU multiplies 32-bit floats in any case.
  package enum Precision: String, Hashable, Sendable, CaseIterable {
    /// The first of fp16 and bf16 with which the GPU agrees with the CPU.
    case auto
    case fp16
    case bf16
    /// 8 bits where most of the time goes, and 16 elsewhere.
    case fp8
  }

  package var device: Device
  package var precision: Precision
  /// Threads of the model on a CPU; 0 for one per core.
  package var threads: Int

  package init(device: Device = .auto, precision: Precision = .auto, threads: Int = 0) {
    self.device = device
    self.precision = precision
    self.threads = threads
  }
}

/// What the daemon tells about itself.
package struct TelemetrySettings: Hashable, Sendable {
  /// An IPv4 address and port to serve health and metrics on.
  package struct Endpoint: Hashable, Sendable {
    package let address: String
    package let port: UInt16
  }

  /// nil serves nothing.
  package var listen: Endpoint?
  package var logLevel: LogLevel
  package var logFormat: LogStyle
}

/// How much is logged.
package enum LogLevel: String, Hashable, Sendable, CaseIterable {
  case trace, debug, info, notice, warning, error, critical
}

/// How log lines look.
package enum LogStyle: String, Hashable, Sendable, CaseIterable {
  case text, json
}
