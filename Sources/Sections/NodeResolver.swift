import Yams

/// Makes of a document what it stands for: merge keys (`<<`, YAML 1.1) give way to what they bring,
/// `${NAME}` in values to the environment's, and keys are texts, in quotes or not.
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
    guard countsValue() else { return node }
    switch node {
    case .scalar(let scalar): return .scalar(substitute(scalar, path))
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

  /// Whether there is room for one more value; that there is none is noted once.
  private mutating func countsValue() -> Bool {
    valuesLeft -= 1
    if valuesLeft == -1 {
      problems.add("more than \(Self.valuesMax) values with all aliases", at: nil, path: "")
    }
    return valuesLeft >= 0
  }

  /// A mapping's own pairs, then those that it merges, without the keys that are there already.
  private mutating func pairs(of mapping: Node.Mapping, _ path: String) -> [(Node, Node)] {
    var names: Set<String> = []
    var pairs: [(Node, Node)] = []
    var merged: [(Node, Node)] = []
    for (key, value) in mapping {
      guard let scalar = key.scalar else {
        problems.add("a key must be a text", at: key.mark, path: path)
        continue
      }
      let name = scalar.string
      let inner = path.isEmpty ? name : "\(path).\(name)"
      if name.contains("${") {
        problems.add("variables stand in values, not in keys", at: key.mark, path: inner)
      }
      if name == "<<", scalar.style == .plain {
        merged += merge(value, into: path, inner)
      } else if names.insert(name).inserted {
        let text = Node.Scalar(name, .implicit, .any, scalar.mark)
        pairs.append((.scalar(text), resolve(value, path: inner)))
      } else {
        // The parser takes 1 and "1" for two.
        problems.add("the key occurs twice", at: key.mark, path: inner)
      }
    }
    for (key, value) in merged where names.insert(key.string ?? "").inserted {
      pairs.append((key, value))
    }
    return pairs
  }

  /// What a merge key brings: one mapping, or a list of which the first counts most.
  private mutating func merge(
    _ value: Node, into section: String, _ path: String
  ) -> [(Node, Node)] {
    var merged: [(Node, Node)] = []
    for node in value.sequence.map(Array.init) ?? [value] where countsValue() {
      if let mapping = node.mapping {
        merged += pairs(of: mapping, section)
      } else {
        problems.add("expected keys with values, or a list of them", at: node.mark, path: path)
      }
    }
    return merged
  }

  /// A scalar with `${NAME}` and `${NAME:-default}` replaced; `$${` stands for `${`. In quotes or
  /// not, it can then be any kind of value.
  private func substitute(_ scalar: Node.Scalar, _ path: String) -> Node.Scalar {
    guard scalar.string.contains("${") else { return scalar }
    var result = ""
    var variables: [String] = []
    var rest = scalar.string[...]
    while let start = rest.firstRange(of: "${") {
      let before = rest[..<start.lowerBound]
      if before.hasSuffix("$") {
        result += before.dropLast() + "${"
        rest = rest[start.upperBound...]
        continue
      }
      guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
        problems.add("${ is not closed; $${ stands for itself", at: scalar.mark, path: path)
        return scalar
      }
      let expression = rest[start.upperBound..<end]
      guard let value = value(of: expression, at: scalar.mark, path) else { return scalar }
      result += before + value
      variables.append(String(expression.prefix { $0 != ":" }))
      rest = rest[rest.index(after: end)...]
    }
    problems.note(variables: variables, at: scalar.mark)
    return Node.Scalar(result + rest, .implicit, .any, scalar.mark)
  }

  private func value(of expression: Substring, at mark: Mark?, _ path: String) -> String? {
    let mid = expression.firstRange(of: ":-")
    let name = expression[..<(mid?.lowerBound ?? expression.endIndex)]
    guard name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil else {
      problems.add("${\(name)} is no name of a variable", at: mark, path: path)
      return nil
    }
    let found = environment[String(name)]
    if let mid {
      let standard = expression[mid.upperBound...]
      if standard.contains("${") {
        problems.add("no ${ may stand within another one", at: mark, path: path)
        return nil
      }
      // As in a shell: the default counts for an empty value too.
      return found?.isEmpty == false ? found : String(standard)
    }
    if found == nil { problems.add("the variable \(name) is not set", at: mark, path: path) }
    return found
  }
}
