internal import Sections

/// The retrain job: where it works, what it learns from, and what a new model must prove.
package struct RetrainSettings: Hashable, Sendable {
  /// Its own state: the copy of the labels, runs, the lock.
  package var folder: String
  /// The model registry.
  package var models: String
  /// Versions that the registry keeps, besides the champion and the one before.
  package var keepVersions: Int
  /// Labels for training that must have come since the last run.
  package var newLabelsMin: Int
  /// What a run draws its rows and trains by; nil gives each run its own.
  package var seed: Int?
  package var dataset: RetrainDatasetSettings
  package var training: RetrainTrainingSettings
  package var gate: GateSettings
  /// A command with its arguments, run after a promotion; empty for none.
  package var afterPromotion: [String]
  /// Where metrics go as a text file for Prometheus' node exporter; nil for nowhere.
  package var metricsFile: String?
}

/// What the dataset of a run is made of.
package struct RetrainDatasetSettings: Hashable, Sendable {
  /// Files of old examples.
  package var replay: [String]
  /// Rows drawn from them at most.
  package var replayRowsMax: Int
  /// Labels come again until they are this share of the rows, ...
  package var labelShare: Double
  /// ... but at most so many times.
  package var labelRepeatsMax: Int
  /// Labels of one tenant at most; nil for no such cap.
  package var labelsPerTenantMax: Int?
  /// The share of all labels that one tenant's are at most.
  package var sharePerTenantMax: Double
}

/// How a run trains.
package struct RetrainTrainingSettings: Hashable, Sendable {
  /// What is trained.
  package enum Method: String, Hashable, Sendable, CaseIterable {
    /// All weights.
    case full
    /// Changes of low rank, merged at the end.
    case lora
  }

  /// What linear maps multiply.
  package enum Precision: String, Hashable, Sendable, CaseIterable {
    /// What this processor is fastest with.
    case auto
    case fp32
    case bf16
  }

  package var method: Method
  package var precision: Precision
  package var epochs: Double
  package var stepsMax: Int?
  package var batchSize: Int
  package var learningRate: Double
  package var warmUpSteps: Int
  /// Weight of the label beside the teacher's score.
  package var lambda: Double
  package var teacherTemperature: Double
  package var tokensMax: Int
  package var loraRank: Int
  package var checkpointSeconds: Double
  /// Threads; 0 for one per core.
  package var threads: Int
}

/// What a candidate must prove before it becomes the champion.
package struct GateSettings: Hashable, Sendable {
  /// Files of examples that never change and are never trained on.
  package var gold: [String]
  /// The rate at which recall is compared.
  package var falsePositiveRate: Double
  package var recallDropMax: Double
  /// Of the 95 % interval's lower end.
  package var auprcDropMax: Double
  /// Of safe gold rows that are flagged at the threshold of the default policy.
  package var flaggedSafeRiseMax: Double
  package var sliceRowsMin: Int
  package var sliceErrorRiseMax: Double
  package var freshRowsMin: Int
  package var freshAuprcDropMax: Double
  package var latencyRatioMax: Double
  /// Of flagged unsafe gold rows, the share that may pass once they are changed in ways that people
  /// read over, the mean over the ways; nil does not try.
  package var evasionFlipMax: Double?
  /// Gold rows that are changed for that.
  package var evasionRowsMax: Int
  package var trafficHours: Int
  package var trafficRecordsMax: Int
  package var decisionChangeMax: Double
  /// Replicates of the paired bootstrap behind the interval.
  package var bootstrapReplicates: Int
}

extension RetrainSettings {
  /// The section `retrain`; nil when the file has none.
  init?(optional root: SectionReader) {
    guard root.node("retrain") != nil else { return nil }
    self.init(root.section("retrain"))
  }

  private init(_ section: SectionReader) {
    folder = section.text("folder", default: "/var/lib/sluice/retrain")
    models = section.text("models", default: "/var/lib/sluice/models")
    keepVersions = section.number("keep_versions", default: 10, in: 2...10_000)
    newLabelsMin = section.number("new_labels_min", default: 200, in: 1...1_000_000_000)
    seed = section.optionalNumber("seed", in: 0...Int.max)
    dataset = RetrainDatasetSettings(section.section("dataset"))
    training = RetrainTrainingSettings(section.section("training"))
    gate = GateSettings(section.section("gate"))
    afterPromotion = section.texts("after_promotion")
    metricsFile = section.optionalText("metrics_file")
    section.finish()
  }
}

extension RetrainDatasetSettings {
  fileprivate init(_ section: SectionReader) {
    replay = section.texts("replay")
    replayRowsMax = section.number("replay_rows_max", default: 20_000, in: 0...1_000_000_000)
    labelShare = section.real("label_share", default: 0.3, in: 0...1)
    labelRepeatsMax = section.number("label_repeats_max", default: 4, in: 1...1_000)
    let cap = section.number("labels_per_tenant_max", default: 0, in: 0...1_000_000_000)
    labelsPerTenantMax = cap == 0 ? nil : cap
    sharePerTenantMax = section.real("share_per_tenant_max", default: 0.2, in: 0.001...1)
    section.finish()
  }
}

extension RetrainTrainingSettings {
  fileprivate init(_ section: SectionReader) {
    method = section.choice("method", default: .full)
    precision = section.choice("precision", default: .auto)
    epochs = section.real("epochs", default: 1, in: 0.001...1_000)
    let steps = section.number("steps_max", default: 0, in: 0...1_000_000_000)
    stepsMax = steps == 0 ? nil : steps
    batchSize = section.number("batch_size", default: 32, in: 1...100_000)
    learningRate = section.real("learning_rate", default: 3e-5, in: 1e-9...1)
    warmUpSteps = section.number("warm_up_steps", default: 20, in: 0...1_000_000)
    lambda = section.real("lambda", default: 0.5, in: 0...1)
    teacherTemperature = section.real("teacher_temperature", default: 0, in: 0...100)
    tokensMax = section.number("tokens_max", default: 512, in: 8...65_536)
    loraRank = section.number("lora_rank", default: 32, in: 1...4_096)
    checkpointSeconds = section.real("checkpoint_seconds", default: 120, in: 0...86_400)
    threads = section.number("threads", default: 0, in: 0...4_096)
    section.finish()
  }
}

extension GateSettings {
  fileprivate init(_ section: SectionReader) {
    gold = section.requiredTexts("gold")
    falsePositiveRate = section.real("false_positive_rate", default: 0.05, in: 0...0.5)
    recallDropMax = section.real("recall_drop_max", default: 0.03, in: 0...1)
    auprcDropMax = section.real("auprc_drop_max", default: 0.05, in: 0...1)
    flaggedSafeRiseMax = section.real("flagged_safe_rise_max", default: 0.02, in: 0...1)
    sliceRowsMin = section.number("slice_rows_min", default: 50, in: 1...1_000_000_000)
    sliceErrorRiseMax = section.real("slice_error_rise_max", default: 0.1, in: 0...1)
    freshRowsMin = section.number("fresh_rows_min", default: 50, in: 2...1_000_000_000)
    freshAuprcDropMax = section.real("fresh_auprc_drop_max", default: 0, in: 0...1)
    latencyRatioMax = section.real("latency_ratio_max", default: 1.5, in: 0.1...100)
    evasionFlipMax = section.optionalReal("evasion_flip_max", in: 0...1)
    evasionRowsMax = section.number("evasion_rows_max", default: 200, in: 1...1_000_000)
    trafficHours = section.number("traffic_hours", default: 24, in: 0...87_600)
    trafficRecordsMax = section.number("traffic_records_max", default: 2_000, in: 1...1_000_000)
    decisionChangeMax = section.real("decision_change_max", default: 0.1, in: 0...1)
    bootstrapReplicates = section.number("bootstrap_replicates", default: 1_000, in: 100...100_000)
    section.finish()
  }
}
