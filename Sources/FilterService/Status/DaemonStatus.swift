/// What the live page shows of a daemon, as `/status.json`. It holds no text of a record.
package struct DaemonStatus: Encodable, Sendable {
  /// The program's version.
  let version: String
  /// The consumer group.
  let group: String
  /// RFC 3339, UTC; another time says that counts began anew.
  let startedAt: String
  let health: DaemonHealth
  let counters: Counters
  let latency: Latency
  /// Verdicts by score, in twenty steps from 0 to 1.
  let scores: [Int]
  let policies: [PolicyState]
  /// Of all topics that the group reads, as far as is known.
  let partitions: [PartitionState]
  let model: ModelState
  /// Changes of the registry's champion, the last one first.
  let gate: [Change]
  let deadLetters: DeadLetters

  private enum CodingKeys: String, CodingKey {
    case version, group, health, counters, latency, scores, policies, partitions, model, gate
    case startedAt = "started_at"
    case deadLetters = "dead_letters"
  }

  /// Since the start.
  struct Counters: Encodable, Sendable {
    let received: Int
    let verdicts: Int
    /// Verdicts with another action than to let pass.
    let flagged: Int
    let deadLetters: Int
    let tokens: Int

    private enum CodingKeys: String, CodingKey {
      case received, verdicts, flagged, tokens
      case deadLetters = "dead_letters"
    }
  }

  /// Counts in buckets since the start: of each bound, in seconds, and of what lies above the last.
  struct Latency: Encodable, Sendable {
    let bounds: [Double]
    let commit: [Int]
    let verdict: [Int]
    let model: [Int]
  }

  struct PolicyState: Encodable, Sendable {
    let name: String
    let verdicts: Int
    let flagged: Int
  }

  struct PartitionState: Encodable, Sendable {
    let topic: String
    let partition: Int32
    /// The member's name in the group; nil where nobody tells.
    let owner: String?
    /// Whether it is this daemon's.
    let mine: Bool
    /// Of this daemon's.
    let lag: Int64?
    let oldestAgeSeconds: Double?

    private enum CodingKeys: String, CodingKey {
      case topic, partition, owner, mine, lag
      case oldestAgeSeconds = "oldest_age_seconds"
    }
  }

  struct ModelState: Encodable, Sendable {
    /// Name and hash, as verdicts show them.
    let name: String
    let device: String
    let swaps: Int
    let refusals: Int
    /// The version that judges, then those that it was made from.
    let lineage: [Version]
  }

  struct Version: Encodable, Sendable {
    let version: String
    let status: String?
  }

  struct Change: Encodable, Sendable {
    let time: String
    let action: String
    let version: String
    let reason: String
  }

  struct DeadLetters: Encodable, Sendable {
    let byReason: [String: Int]
    /// The last one first.
    let recent: [RecentLetters.Letter]

    private enum CodingKeys: String, CodingKey {
      case recent
      case byReason = "by_reason"
    }
  }
}

/// Whether a daemon makes progress and has its share, and why not.
package struct DaemonHealth: Encodable, Sendable {
  /// What `/live` answers.
  package let live: Bool
  /// What `/ready` answers.
  package let ready: Bool
  /// Why one of them is false.
  package let reasons: [String]
}
