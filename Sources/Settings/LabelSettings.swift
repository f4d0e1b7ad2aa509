package import Records
internal import Sections

/// The labelling service: what it samples, whom it asks, and how hard.
package struct LabelSettings: Hashable, Sendable {
  package var groupID: String
  package var groupInstanceID: String?
  /// Where labels are published.
  package var topic: String
  package var format: PayloadFormat
  /// The SQLite file that keeps them.
  package var store: String
  /// nil keeps labels for ever.
  package var timeToLiveMilliseconds: Int64?
  package var validationShare: Double
  package var testShare: Double
  /// With the section's `requests_per_hour`.
  package var teacher: TeacherSettings
  package var plan: SamplingPlan
  package var limits: LabelLimits
  /// What the live estimates look back on.
  package var estimateWindowMilliseconds: Int64
  /// Where health and metrics are served; nil for nowhere.
  package var listen: TelemetrySettings.Endpoint?
}

/// Every bound of the labelling service.
package struct LabelLimits: Hashable, Sendable {
  /// What happens to chosen exchanges that cannot be labelled now, because the teacher is down or
  /// the hour's budget is spent.
  package enum WhenUnavailable: String, Hashable, Sendable, CaseIterable {
    /// They wait; when the queue is full, the service reads no further. Verdicts are not held up:
    /// its consumer group is its own.
    case wait
    /// Those that wait too long are counted and left unlabelled.
    case shed
  }

  /// Exchanges, and verdicts, that wait for their other half at most, and the exchanges' bytes.
  package var joinRecordsMax = 20_000
  package var joinBytesMax = 64 << 20
  package var joinTimeoutMilliseconds = 600_000
  /// Chosen exchanges that wait for the teacher at most.
  package var queueMax = 1_000
  /// Questions on their way at once at most: as many as the teacher's server takes.
  package var concurrentMax = 4
  /// Labels of one tenant in an hour at most; nil for no cap.
  package var labelsPerTenantPerHour: Int? = 200
  package var whenUnavailable = WhenUnavailable.wait
  /// How long a chosen exchange waits under `shed`.
  package var waitMaxMilliseconds = 600_000
  /// How often an exchange is tried under `shed`.
  package var attemptsMax = 5
  /// How long offsets of records without a label may wait for a commit.
  package var commitMilliseconds = 1_000
  /// Labels published at once at most.
  package var publicationMax = 500

  package init() {}
}

/// How often exchanges are chosen, by stratum.
package struct SamplingPlan: Hashable, Sendable {
  /// Probability with which any exchange is chosen, above 0.
  package var randomRate: Double
  /// Probability with which an exchange near the threshold is chosen besides.
  package var uncertaintyRate: Double
  /// How far from the threshold a score may be to count as near.
  package var uncertaintyMargin: Float
  /// Probability with which an exchange is chosen besides on which a shadow model disagrees.
  package var disagreementRate: Double
  /// Makes the draws of one deployment differ from another's.
  package var seed: UInt64

  package init(
    randomRate: Double = 0.01, uncertaintyRate: Double = 0.1, uncertaintyMargin: Float = 0.15,
    disagreementRate: Double = 0.5, seed: UInt64 = 0
  ) {
    self.randomRate = randomRate
    self.uncertaintyRate = uncertaintyRate
    self.uncertaintyMargin = uncertaintyMargin
    self.disagreementRate = disagreementRate
    self.seed = seed
  }
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
    timeToLiveMilliseconds = days == 0 ? nil : Int64(days) * 86_400_000
    validationShare = section.real("validation_share", default: 0.1, in: 0...0.5)
    testShare = section.real("test_share", default: 0.1, in: 0...0.5)
    if validationShare + testShare >= 1 {
      section.complain("leaves nothing for training", about: "test_share")
    }
    teacher = TeacherSettings(section.section("teacher"))
    teacher.server.requestsPerHour = section.number(
      "requests_per_hour", default: 1_000, in: 1...10_000_000)
    let sampling = section.section("sampling")
    plan = SamplingPlan(sampling)
    limits = LabelLimits(section, sampling)
    limits.concurrentMax = teacher.server.concurrentRequestsMax
    sampling.finish()
    estimateWindowMilliseconds =
      Int64(section.number("estimate_window_hours", default: 24, in: 1...8_760)) * 3_600_000
    listen = TelemetrySettings.endpoint(section, "listen", default: "127.0.0.1:9465")
    section.finish()
  }
}

extension LabelLimits {
  fileprivate init(_ section: SectionReader, _ sampling: SectionReader) {
    whenUnavailable = section.choice("when_unavailable", default: whenUnavailable)
    waitMaxMilliseconds = section.milliseconds(
      seconds: "wait_max_seconds", default: waitMaxMilliseconds, in: 1...604_800)
    attemptsMax = section.number("attempts_max", default: attemptsMax, in: 1...1_000)
    queueMax = section.number("queue_max", default: queueMax, in: 1...1_000_000)
    let cap = sampling.number("labels_per_tenant_per_hour", default: 200, in: 0...10_000_000)
    labelsPerTenantPerHour = cap == 0 ? nil : cap
    let join = section.section("join")
    joinRecordsMax = join.number("records_max", default: joinRecordsMax, in: 1...10_000_000)
    joinBytesMax = join.size("bytes_max", default: joinBytesMax, in: 1024...(1 << 40))
    joinTimeoutMilliseconds = join.milliseconds(
      seconds: "timeout_seconds", default: joinTimeoutMilliseconds, in: 1...604_800)
    join.finish()
  }
}

extension SamplingPlan {
  fileprivate init(_ section: SectionReader) {
    self.init()
    randomRate = section.real("random_rate", default: randomRate, in: 1e-6...1)
    uncertaintyRate = section.real("uncertainty_rate", default: uncertaintyRate, in: 0...1)
    uncertaintyMargin = Float(section.real("uncertainty_margin", default: 0.15, in: 0...1))
    disagreementRate = section.real("disagreement_rate", default: disagreementRate, in: 0...1)
    seed = UInt64(section.number("seed", default: 0, in: 0...Int.max))
  }
}
