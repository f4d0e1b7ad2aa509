package import Records

/// The policy of each tenant.
package struct PolicyBook: Hashable, Sendable {
  package var standard: Policy
  /// Of tenants by their full name.
  package var byTenant: [String: Policy]
  /// Of tenants whose names are alike; the first that matches counts.
  package private(set) var byPattern: [TenantPattern]

  /// - Parameter byPattern: in any order; the one with the longest text beside its stars comes
  ///   first.
  package init(
    standard: Policy = Policy(), byTenant: [String: Policy] = [:],
    byPattern: [TenantPattern] = []
  ) {
    self.standard = standard
    self.byTenant = byTenant
    self.byPattern = byPattern.sorted { $0.precedence < $1.precedence }
  }

  /// The policy for a tenant; the standard one for those without their own.
  package func policy(for tenant: String?) -> Policy {
    guard let tenant else { return standard }
    return byTenant[tenant] ?? byPattern.first { $0.matches(tenant) }?.policy ?? standard
  }

  /// Each policy that decides once, by name.
  package var all: [Policy] {
    Set([standard] + byTenant.values + byPattern.map(\.policy))
      .sorted { ($0.name, $0.digest) < ($1.name, $1.digest) }
  }

  /// Each policy that decides or is tried once, by name.
  package var allWithTrials: [Policy] {
    Set(all + all.flatMap(\.trials)).sorted { ($0.name, $0.digest) < ($1.name, $1.digest) }
  }

  /// Each exception of any policy once, by name.
  package var exceptions: [PolicyException] {
    Set(allWithTrials.flatMap(\.exceptions)).sorted { $0.name < $1.name }
  }

  /// Whether some exception asks for the digests of contents.
  package var looksAtContents: Bool { exceptions.contains { !$0.contents.isEmpty } }

  /// Of a rule for a category that the model lacks, in words: it would never do anything.
  ///
  /// - Parameter scheme: the model's categories; nil for a model without.
  package func complaint(about scheme: CategoryScheme?) -> String? {
    let known = scheme?.unsafeNames ?? []
    for policy in allWithTrials {
      guard let name = policy.categories.keys.sorted().first(where: { !known.contains($0) }) else {
        continue
      }
      return "policies.\(policy.name).categories.\(name): "
        + (known.isEmpty
          ? "the model has no categories"
          : "the model's unsafe labels are \(known.joined(separator: ", "))")
    }
    return nil
  }
}

/// Tenants whose names are alike: `*` stands for any characters, also none.
package struct TenantPattern: Hashable, Sendable {
  package let pattern: String
  package let policy: Policy
  /// What stands between the stars; at least two parts.
  private let parts: [[UInt8]]

  /// nil for a text without a star, which is a name.
  package init?(_ pattern: String, policy: Policy) {
    guard pattern.contains("*") else { return nil }
    self.pattern = pattern
    self.policy = policy
    parts = pattern.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
      .map(Array.init)
  }

  /// The smallest comes first.
  fileprivate var precedence: (Int, String) { (-parts.reduce(0) { $0 + $1.count }, pattern) }

  /// Compares bytes: letters of different case, or composed otherwise, are different.
  package func matches(_ tenant: String) -> Bool {
    var rest = Array(tenant.utf8)[...]
    let (first, last) = (parts[0], parts[parts.count - 1])
    guard rest.count >= first.count + last.count, rest.starts(with: first),
      rest.suffix(last.count).elementsEqual(last)
    else { return false }
    rest = rest.dropFirst(first.count).dropLast(last.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let end = rest.end(ofFirst: part) else { return false }
      rest = rest[end...]
    }
    return true
  }
}

extension ArraySlice<UInt8> {
  /// Where the first occurrence of a part ends.
  fileprivate func end(ofFirst part: [UInt8]) -> Int? {
    guard count >= part.count else { return nil }
    return (startIndex...(endIndex - part.count)).first { self[$0...].starts(with: part) }
      .map { $0 + part.count }
  }
}
