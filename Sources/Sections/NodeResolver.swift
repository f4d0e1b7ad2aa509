import Yams

/// Makes of a document what it stands for: merge keys (`<<`, YAML 1.1) give way to what they bring,
/// and `${NAME}` in values to the environment's.
struct NodeResolver {
  /// Values that a document may have once its aliases are written out.
  static let valuesMax = 100_000

  private let environment: [String: String]
  private let problems: ProblemCollector
  private var valuesLeft = NodeResolver.valuesMax

  init(environment: [String: String], problems: ProblemCollector) {
    self.environment = environment
    self.problems = problems
  }

  /// The resolved node; what cannot be resolved is noted and left as it is.
  mutating func resolve(_ node: Node, path: String = "") -> Node {
    valuesLeft -= 1
    guard valuesLeft >= 0 else {
      if valuesLeft == -1 {
        problems.add("more than \(Self.valuesMax) values with all aliases", at: nil, path: "")
      }
      return node
    }
    switch node {
    case .scalar(let scalar):
      return .scalar(
        Node.Scalar(
          substitute(scalar, at: node.mark, path), scalar.tag, scalar.style, scalar.mark))
    case .sequence(let sequence):
      let nodes = sequence.map { resolve($0, path: path) }
      return .sequence(Node.Sequence(nodes, sequence.tag, sequence.style, sequence.mark))
    case .mapping(let mapping):
      return .mapping(
        Node.Mapping(
          pairs(of: mapping, path), mapping.tag, mapping.style, mapping.mark))
    case .alias: return node
    }
  }

  /// A mapping's own pairs, then those that it merges, without the keys that are there already.
  private mutating func pairs(of mapping: Node.Mapping, _ path: String) -> [(Node, Node)] {
    var pairs: [(Node, Node)] = []
    var merged: [(Node, Node)] = []
    for (key, value) in mapping {
      let name = key.string ?? ""
      if name == "<<", key.scalar?.style == .plain {
        merged += merge(value, path)
      } else {
        pairs.append((key, resolve(value, path: path.isEmpty ? name : "\(path).\(name)")))
      }
    }
    for (key, value) in merged where !pairs.contains(where: { $0.0 == key }) {
      pairs.append((key, value))
    }
    return pairs
  }

  /// What a merge key brings: one mapping, or a list of which the first counts most.
  private mutating func merge(_ value: Node, _ path: String) -> [(Node, Node)] {
    if let mapping = value.mapping { return pairs(of: mapping, path) }
    guard let list = value.sequence, list.allSatisfy({ $0.mapping != nil }) else {
      problems.add(
        "expected keys with values, or a list of them", at: value.mark,
        path: path.isEmpty ? "<<" : "\(path).<<")
      return []
    }
    return list.flatMap { node in node.mapping.map { pairs(of: $0, path) } ?? [] }
  }

  /// A text with `${NAME}` and `${NAME:-default}` replaced; `$${` stands for `${`.
  private func substitute(_ scalar: Node.Scalar, at mark: Mark?, _ path: String) -> String {
    var result = ""
    var rest = scalar.string[...]
    while let start = rest.firstRange(of: "${") {
      let before = rest[..<start.lowerBound]
      if before.hasSuffix("$") {
        result += before.dropLast() + "${"
        rest = rest[start.upperBound...]
        continue
      }
      result += before
      guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
        problems.add("${ is not closed; $${ stands for itself", at: mark, path: path)
        return scalar.string
      }
      result += value(of: rest[start.upperBound..<end], at: mark, path)
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }

  private func value(of expression: Substring, at mark: Mark?, _ path: String) -> String {
    let mid = expression.firstRange(of: ":-")
    let name = expression[..<(mid?.lowerBound ?? expression.endIndex)]
    guard name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil else {
      problems.add("${\(name)} is no name of a variable", at: mark, path: path)
      return ""
    }
    let found = environment[String(name)]
    // As in a shell: the default counts for an empty value too.
    if let mid {
      return found?.isEmpty == false ? found ?? "" : String(expression[mid.upperBound...])
    }
    if found == nil { problems.add("the variable \(name) is not set", at: mark, path: path) }
    return found ?? ""
  }
}
