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

  private let shownMax: Int
  /// Records of tenants, halved whenever there are too many of them, so that old traffic fades.
  private var traffic: [String: Int] = [:]
  private var shown: Set<String> = []
  private var displaced: String?

  init(shownMax: Int) { self.shownMax = shownMax }

  /// Counts a record of a tenant; what its series is called from now on.
  mutating func label(for tenant: String?) -> String {
    guard let tenant, !tenant.isEmpty else { return "" }
    guard tenant.utf8.count <= Self.nameBytesMax else { return Self.other }
    let count = (traffic[tenant] ?? 0) + 1
    traffic[tenant] = count
    if shown.contains(tenant) { return tenant }
    if shown.count < shownMax {
      shown.insert(tenant)
      return tenant
    }
    if count % Self.recordsPerLook == 0, let quietest = quietest, count > 2 * quietest.count {
      shown.remove(quietest.name)
      shown.insert(tenant)
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

  private var quietest: (name: String, count: Int)? {
    shown.map { (name: $0, count: traffic[$0] ?? 0) }
      .min { ($0.count, $0.name) < ($1.count, $1.name) }
  }

  private mutating func fade() {
    traffic = traffic.mapValues { $0 / 2 }.filter { $0.value > 0 || shown.contains($0.key) }
  }
}
