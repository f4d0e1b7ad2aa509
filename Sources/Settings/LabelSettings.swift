package import Records

/// The labelling service: what it samples, whom it asks, and how hard.
package struct LabelSettings: Hashable, Sendable {
  /// What happens to chosen exchanges that cannot be labelled now, because the teacher is down or
  /// the hour's budget is spent.
  package enum WhenUnavailable: String, Hashable, Sendable, CaseIterable {
    /// They wait; when the queue is full, the service reads no further. Verdicts are not held up:
    /// its consumer group is its own.
    case wait
    /// Those that wait too long are counted and left unlabelled.
    case shed
  }

  package var groupID: String
  package var groupInstanceID: String?
  /// Where labels are published.
  package var topic: String
  package var format: PayloadFormat
  /// The SQLite file that keeps them.
  package var store: String
  /// nil keeps labels for ever.
  package var timeToLiveDays: Int?
  package var validationShare: Double
  package var testShare: Double
  /// With the section's `requests_per_hour`.
  package var teacher: TeacherSettings
  package var sampling: LabelSamplingSettings
  package var whenUnavailable: WhenUnavailable
  package var waitMaxSeconds: Int
  package var queueMax: Int
  package var joinRecordsMax: Int
  package var joinBytesMax: Int
  package var joinTimeoutSeconds: Int
  /// What the live estimates look back on.
  package var estimateWindowHours: Int
  /// Where health and metrics are served; nil for nowhere.
  package var listen: TelemetrySettings.Endpoint?
}

/// Which exchanges are labelled.
package struct LabelSamplingSettings: Hashable, Sendable {
  package var randomRate: Double
  package var uncertaintyRate: Double
  package var uncertaintyMargin: Double
  package var disagreementRate: Double
  /// nil for no cap.
  package var labelsPerTenantPerHour: Int?
  package var seed: Int
}

extension LabelSettings {
  /// The section `label`; nil when the file has none.
  init?(optional root: SectionReader) {
    guard root.node("label") != nil else { return nil }
    self.init(root.section("label"))
  }

  private init(_ section: SectionReader) {
    groupID = section.text("group_id", default: "sluice-label")
    groupInstanceID = section.optionalText("group_instance_id")
    topic = section.text("topic", default: "teacher.labels")
    format = section.choice("format", default: .protobuf)
    store = section.text("store", default: "/var/lib/sluice/labels.sqlite")
    let days = section.number("time_to_live_days", default: 365, in: 0...36_500)
    timeToLiveDays = days == 0 ? nil : days
    validationShare = section.real("validation_share", default: 0.1, in: 0...0.5)
    testShare = section.real("test_share", default: 0.1, in: 0...0.5)
    if validationShare + testShare >= 1 {
      section.complain("leaves nothing for training", about: "test_share")
    }
    teacher = TeacherSettings(section.section("teacher"))
    sampling = LabelSamplingSettings(section.section("sampling"))
    teacher.server.requestsPerHour = section.number(
      "requests_per_hour", default: 1_000, in: 1...10_000_000)
    whenUnavailable = section.choice("when_unavailable", default: .wait)
    waitMaxSeconds = section.number("wait_max_seconds", default: 600, in: 1...604_800)
    queueMax = section.number("queue_max", default: 1_000, in: 1...1_000_000)
    let join = section.section("join")
    joinRecordsMax = join.number("records_max", default: 20_000, in: 1...10_000_000)
    joinBytesMax = join.size("bytes_max", default: 64 << 20, in: 1024...(1 << 40))
    joinTimeoutSeconds = join.number("timeout_seconds", default: 600, in: 1...604_800)
    join.finish()
    estimateWindowHours = section.number("estimate_window_hours", default: 24, in: 1...8_760)
    listen = TelemetrySettings.endpoint(section, "listen", default: "127.0.0.1:9465")
    section.finish()
  }
}

extension LabelSamplingSettings {
  fileprivate init(_ section: SectionReader) {
    randomRate = section.real("random_rate", default: 0.01, in: 1e-6...1)
    uncertaintyRate = section.real("uncertainty_rate", default: 0.1, in: 0...1)
    uncertaintyMargin = section.real("uncertainty_margin", default: 0.15, in: 0...1)
    disagreementRate = section.real("disagreement_rate", default: 0.5, in: 0...1)
    let cap = section.number("labels_per_tenant_per_hour", default: 200, in: 0...10_000_000)
    labelsPerTenantPerHour = cap == 0 ? nil : cap
    seed = section.number("seed", default: 0, in: 0...Int.max)
    section.finish()
  }
}
