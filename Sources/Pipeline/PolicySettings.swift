internal import Basics
package import Sections

extension PolicyBook {
  /// The sections `policies`, `tenants` and `exceptions`.
  package init(_ root: SectionReader) {
    let reader = PolicyReader(root)
    let standard = reader.policy(named: "default")
    var (names, patterns): ([String: Policy], [TenantPattern]) = ([:], [])
    let tenants = root.section("tenants")
    for (tenant, node) in tenants.keys {
      let name = tenants.optionalText(tenant) ?? ""
      guard reader.has(name) else {
        tenants.complain("expected the name of a policy", about: tenant, at: node)
        continue
      }
      let policy = reader.policy(named: name)
      if let pattern = TenantPattern(tenant, policy: policy) {
        patterns.append(pattern)
      } else {
        names[tenant] = policy
      }
    }
    self.init(standard: standard, byTenant: names, byPattern: patterns)
  }
}

/// Makes policies of what the sections say of them and of others.
private struct PolicyReader {
  private let section: SectionReader
  private var drafts: [String: PolicyDraft] = [:]
  private var exceptions: [ExceptionDraft] = []

  init(_ root: SectionReader) {
    section = root.section("policies")
    for (name, _) in section.keys { drafts[name] = PolicyDraft(section.section(name)) }
    for name in drafts.keys.sorted() { checkNames(in: name) }
    let exceptions = root.section("exceptions")
    for (name, _) in exceptions.keys {
      let reader = exceptions.section(name)
      let draft = ExceptionDraft(reader, name: name)
      for policy in draft.policies where !has(policy) {
        reader.complain("\(policy) is the name of no policy", about: "policies")
      }
      self.exceptions.append(draft)
    }
  }

  /// Whether there is a policy of that name; the default one always is.
  func has(_ name: String) -> Bool { name == "default" || drafts[name] != nil }

  /// The policy of that name, with what it inherits and what is tried beside it.
  func policy(named name: String) -> Policy {
    let trials = drafts[name]?.trials ?? []
    return policy(named: name, trials: trials.filter(has).map { policy(named: $0, trials: []) })
  }

  private func policy(named name: String, trials: [Policy]) -> Policy {
    complete(name).policy(
      named: name,
      exceptions: exceptions.compactMap { $0.covers(name) ? $0.exception : nil }, trials: trials)
  }

  /// What a policy says, over what it inherits.
  private func complete(_ name: String) -> PolicyDraft {
    var draft = drafts[name] ?? PolicyDraft()
    for ancestor in ancestors(of: name).dropFirst() {
      draft.inherit(drafts[ancestor] ?? PolicyDraft())
    }
    return draft
  }

  /// The policy itself and whom it inherits from, each once.
  private func ancestors(of name: String) -> [String] {
    var names = [name]
    while let last = names.last, let base = drafts[last]?.base, !names.contains(base) {
      names.append(base)
    }
    return names
  }

  private func checkNames(in name: String) {
    guard let draft = drafts[name] else { return }
    let section = section.section(name)
    if let base = draft.base {
      if !has(base) {
        section.complain("\(base) is the name of no policy", about: "extends")
      } else if let last = ancestors(of: name).last, drafts[last]?.base == name {
        section.complain("\(name) would inherit from itself", about: "extends")
      }
    }
    for trial in draft.trials {
      if !has(trial) {
        section.complain("\(trial) is the name of no policy", about: "trials")
      } else if trial == name {
        section.complain("a policy is not tried beside itself", about: "trials")
      }
    }
  }
}

/// What settings say of a policy, without what it inherits.
private struct PolicyDraft {
  /// What they say of a category.
  struct Rule {
    enum NamedAction: String, CaseIterable {
      case quarantine
      case flag
      case allow
    }

    var threshold: Float?
    var action: NamedAction?
  }

  var base: String?
  var threshold: Float?
  var action: Policy.FlaggedAction?
  var mode: Policy.Mode?
  var unjudged: Policy.Unjudged?
  var categories: [String: Rule] = [:]
  var trials: [String] = []

  init() {}

  init(_ section: SectionReader) {
    base = section.optionalText("extends")
    threshold = section.optionalReal("threshold", in: 0...1).map { Float($0) }
    action = section.optionalChoice("action")
    mode = section.optionalChoice("mode")
    unjudged = section.optionalChoice("unjudged")
    let rules = section.section("categories")
    for (category, _) in rules.keys {
      let rule = rules.section(category)
      categories[category] = Rule(
        threshold: rule.optionalReal("threshold", in: 0...1).map { Float($0) },
        action: rule.optionalChoice("action"))
      rule.finish()
    }
    trials = section.texts("trials")
    section.finish()
  }

  /// Takes over what it does not say itself; what is tried beside the other is not inherited.
  mutating func inherit(_ other: PolicyDraft) {
    threshold = threshold ?? other.threshold
    action = action ?? other.action
    mode = mode ?? other.mode
    unjudged = unjudged ?? other.unjudged
    categories.merge(other.categories) { own, inherited in
      Rule(
        threshold: own.threshold ?? inherited.threshold, action: own.action ?? inherited.action)
    }
  }

  func policy(named name: String, exceptions: [PolicyException], trials: [Policy]) -> Policy {
    let standard = Policy()
    let threshold = threshold ?? standard.threshold
    let action = action ?? standard.action
    let rules = categories.mapValues { rule in
      CategoryRule(
        threshold: rule.threshold ?? threshold,
        action: rule.action.map { Policy.FlaggedAction(rawValue: $0.rawValue) } ?? action)
    }
    return Policy(
      name: name, threshold: threshold, action: action, mode: mode ?? standard.mode,
      unjudged: unjudged ?? standard.unjudged, categories: rules, exceptions: exceptions,
      trials: trials)
  }
}

/// What settings say of an exception.
private struct ExceptionDraft {
  /// nil where it is not one, which was complained about.
  let exception: PolicyException?
  /// The policies that it is for; none names all.
  let policies: [String]

  func covers(_ policy: String) -> Bool { policies.isEmpty || policies.contains(policy) }

  init(_ section: SectionReader, name: String) {
    policies = section.texts("policies")
    // Nothing reads them but people: an exception that nobody answers for is a hole.
    _ = section.requiredText("owner")
    _ = section.requiredText("reason")
    let digests = section.texts("content").map { text in
      let digest = ContentDigest(hexadecimal: text)
      if digest == nil { section.complain("expected 64 hexadecimal digits", about: "content") }
      return digest
    }
    let metadata = section.pairs("metadata")
    let day = section.requiredText("expires")
    let expiry = Timestamp.endOfDay(day)
    if expiry == nil, !day.isEmpty {
      section.complain("expected a day such as 2026-12-31", about: "expires")
    }
    if digests.isEmpty, metadata.isEmpty {
      section.complain(
        "says neither content nor metadata: it would cover nothing", about: "content")
    }
    exception = expiry.map {
      PolicyException(
        name: name, contents: Set(digests.compactMap { $0 }),
        metadata: Dictionary(metadata.map { ($0.name, $0.value) }) { _, last in last },
        expiresAtMilliseconds: $0)
    }
    section.finish()
  }
}
