/// Which tenants have series of their own: the busiest, whatever names records bring.
struct TenantRanking: Hashable, Sendable {
  /// What the others are called.
  static let other = "other"

  /// Bytes of a name that is shown.
  private static let nameBytesMax = 64
  /// Tenants that are watched for each one that is shown.
  private static let watchedPerShown = 50
  /// A tenant's records between two looks whether it is busier than one that is shown.
  private static let recordsPerLook = 64

  private struct Traffic: Hashable, Sendable {
    /// Halved whenever there are too many tenants, so that old traffic fades.
    var records = 0
    var isShown = false

    /// Counts a record, and is what it is then.
    mutating func counting() -> Traffic {
      records += 1
      return self
    }
  }

  private let shownMax: Int
  private var traffic: [String: Traffic] = [:]
  private var shown: Set<String> = []
  private var displaced: String?

  init(shownMax: Int) { self.shownMax = shownMax }

  /// Counts a record of a tenant; what its series is called from now on.
  mutating func label(for tenant: String?) -> String {
    guard let tenant, !tenant.isEmpty else { return "" }
    guard tenant.utf8.count <= Self.nameBytesMax else { return Self.other }
    let seen = traffic[tenant, default: Traffic()].counting()
    if seen.isShown { return tenant }
    if shown.count < shownMax {
      show(tenant)
      return tenant
    }
    if seen.records % Self.recordsPerLook == 0, let quietest, seen.records > 2 * quietest.records {
      shown.remove(quietest.name)
      traffic[quietest.name]?.isShown = false
      show(tenant)
      displaced = quietest.name
      return tenant
    }
    if traffic.count > shownMax * Self.watchedPerShown { fade() }
    return Self.other
  }

  /// The tenant whose series has ended since the last call: its counts go on as the others'.
  mutating func takeDisplaced() -> String? {
    defer { displaced = nil }
    return displaced
  }

  private mutating func show(_ tenant: String) {
    shown.insert(tenant)
    traffic[tenant]?.isShown = true
  }

  private var quietest: (name: String, records: Int)? {
    shown.map { (name: $0, records: traffic[$0]?.records ?? 0) }
      .min { ($0.records, $0.name) < ($1.records, $1.name) }
  }

  private mutating func fade() {
    traffic = traffic.mapValues { Traffic(records: $0.records / 2, isShown: $0.isShown) }
      .filter { $0.value.records > 0 || $0.value.isShown }
  }
}
