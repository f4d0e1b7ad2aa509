package import Records
package import Sections

/// How scores become actions, for one group of tenants.
package struct Policy: Hashable, Sendable {
  /// What is done with a flagged exchange.
  package enum FlaggedAction: String, Hashable, Sendable, CaseIterable {
    case quarantine
    case flag
  }

  /// Whether the action is taken or only reported.
  package enum Mode: String, Hashable, Sendable, CaseIterable {
    case enforce
    case monitor
  }

  /// What happens to an exchange that could not be judged, besides its dead letter.
  package enum Unjudged: String, Hashable, Sendable, CaseIterable {
    /// Fail closed: it goes nowhere else.
    case closed
    /// Fail open: it also goes on to the clean topic.
    case open
  }

  package let name: String
  /// An exchange whose score is at least this is flagged.
  package let threshold: Float
  package let action: FlaggedAction
  package let mode: Mode
  package let unjudged: Unjudged
  /// Rules for single categories of the model, by the names of its labels.
  package let categories: [String: CategoryRule]
  /// SHA-256 over all of these, 64 hexadecimal digits; verdicts show it.
  package let digest: String

  package init(
    name: String = "default", threshold: Float = 0.5, action: FlaggedAction = .quarantine,
    mode: Mode = .enforce, unjudged: Unjudged = .closed, categories: [String: CategoryRule] = [:]
  ) {
    self.name = name
    self.threshold = threshold
    self.action = action
    self.mode = mode
    self.unjudged = unjudged
    self.categories = categories
    digest = Self.digest(
      name: name, threshold: threshold, action: action, mode: mode, unjudged: unjudged,
      categories: categories)
  }
}

/// What a policy does with exchanges of one category.
package struct CategoryRule: Hashable, Sendable {
  /// An exchange whose probability is at least this is flagged.
  package var threshold: Float
  /// nil lets it pass, whatever the probability.
  package var action: Policy.FlaggedAction?

  package init(threshold: Float, action: Policy.FlaggedAction?) {
    self.threshold = threshold
    self.action = action
  }
}

/// The policy of each tenant.
package struct PolicyBook: Hashable, Sendable {
  package var standard: Policy
  package var byTenant: [String: Policy]

  package init(standard: Policy = Policy(), byTenant: [String: Policy] = [:]) {
    self.standard = standard
    self.byTenant = byTenant
  }

  /// Of a rule for a category that the model lacks, in words: it would never do anything.
  ///
  /// - Parameter scheme: the model's categories; nil for a model without.
  package func complaint(about scheme: CategoryScheme?) -> String? {
    let known = scheme?.unsafeNames ?? []
    for policy in [standard] + byTenant.values.sorted(by: { $0.name < $1.name }) {
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

  /// Each policy once, by name.
  package var all: [Policy] {
    Set([standard] + byTenant.values).sorted { ($0.name, $0.digest) < ($1.name, $1.digest) }
  }

  /// The policy for a tenant; the standard one for those without their own.
  package func policy(for tenant: String?) -> Policy {
    guard let tenant else { return standard }
    return byTenant[tenant] ?? standard
  }
}

extension PolicyBook {
  /// The sections `policies` and `tenants`.
  package init(_ root: SectionReader) {
    self.init()
    let section = root.section("policies")
    var named: [String: Policy] = [:]
    for (name, _) in section.keys { named[name] = Policy(section.section(name), name: name) }
    standard = named["default"] ?? Policy()
    let tenants = root.section("tenants")
    for (tenant, node) in tenants.keys {
      let name = tenants.optionalText(tenant) ?? ""
      if let policy = named[name] ?? (name == "default" ? standard : nil) {
        byTenant[tenant] = policy
      } else {
        tenants.complain("expected the name of a policy", about: tenant, at: node)
      }
    }
  }
}

extension Policy {
  fileprivate init(_ section: SectionReader, name: String) {
    let standard = Policy(name: name)
    let threshold = Float(
      section.real("threshold", default: Double(standard.threshold), in: 0...1))
    let action = section.choice("action", default: standard.action)
    let rules = section.section("categories")
    var categories: [String: CategoryRule] = [:]
    for (category, _) in rules.keys {
      categories[category] = CategoryRule(rules.section(category), threshold, action)
    }
    self.init(
      name: name, threshold: threshold, action: action,
      mode: section.choice("mode", default: standard.mode),
      unjudged: section.choice("unjudged", default: standard.unjudged), categories: categories)
    section.finish()
  }
}

extension CategoryRule {
  /// What settings say is done with a category.
  private enum NamedAction: String, CaseIterable {
    case quarantine
    case flag
    case allow
  }

  /// - Parameters: threshold and action are those of the policy.
  fileprivate init(
    _ section: SectionReader, _ threshold: Float, _ action: Policy.FlaggedAction
  ) {
    let threshold = section.real("threshold", default: Double(threshold), in: 0...1)
    let standard: NamedAction = action == .flag ? .flag : .quarantine
    let action = section.choice("action", default: standard)
    self.init(
      threshold: Float(threshold), action: Policy.FlaggedAction(rawValue: action.rawValue))
    section.finish()
  }
}
