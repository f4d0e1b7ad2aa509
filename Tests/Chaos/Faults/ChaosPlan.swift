/// What a run of the harness does, the same for the same seed but for the time that things take.
struct ChaosPlan: Sendable {
  var seed: UInt64 = 1
  /// Rounds, each with fresh topics.
  var rounds = 1
  /// Exchanges of a round.
  var records = 3_000
  /// How long exchanges come and faults happen in a round.
  var seconds = 30
  var daemons = 3
  var partitions = 6
  var membership = Membership.static
  /// Faults to draw from, all alike; a name that stands twice is drawn twice as often.
  var faults: [Fault] = []
  /// Seconds between two faults on average.
  var pace = 1.0
  /// One in so many transactional requests is held and handed on late; 0 for none.
  var holdOneIn = 0
  /// Milliseconds for which they are held at most.
  var holdMilliseconds = 300
  /// Seconds for which nobody reaches the broker, once in each round; 0 for none.
  var outageSeconds = 0
  /// Seconds after the last fault; what is not decided by then is lost.
  var patience = 180
  /// The program that is run.
  var program = ""
  /// The version before it, which takes a daemon's place in every other start.
  var previous: String?
  /// Where rounds happen; nil gives each a broker of its own.
  var cluster: Cluster?
  /// Where logs go.
  var folder = ""

  /// Daemons reach the broker through proxies.
  var isProxied: Bool {
    holdOneIn > 0 || outageSeconds > 0 || faults.contains(where: \.isOfNetwork)
  }

  /// Partitions that no daemon moves on with for longer than that after the last fault have no
  /// owner.
  static let ownershipMax = Duration.seconds(30)
}
