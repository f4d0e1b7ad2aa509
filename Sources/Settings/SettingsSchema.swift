package import Foundation
internal import Sections
internal import StrictJSON

/// The JSON Schema (draft 7, which editors know) of a settings file, made from what the code that
/// reads one asks for.
///
/// It knows keys, kinds, choices and bounds. What depends on other keys or on files, only
/// `sluice check` finds.
package enum SettingsSchema {
  /// A file that has each section, and a name wherever names are not ours.
  private static let sample = """
    policies: {any: {categories: {any: {}}}}
    tenants: {any: any}
    exceptions: {any: {}}
    shadow: {path: any}
    label: {teacher: {}}
    retrain: {}
    """

  /// The schema as JSON text.
  package static func json() -> Data {
    let collector = ProblemCollector(file: "")
    let root = SettingsDocument.compose(sample, collector, environment: [:])
    _ = Settings(SectionReader(root, path: "", problems: collector))
    var tree = Node()
    for declaration in collector.declarations { tree.add(declaration, declaration.path[...]) }
    for name in ["shadow", "label", "retrain"] { tree.children[name]?.isOptional = true }
    guard case .object(var schema) = tree.schema else { return Data() }
    schema["$schema"] = .text("http://json-schema.org/draft-07/schema#")
    schema["title"] = .text("Settings of Sluice")
    // Where anchors are put that other sections refer to.
    schema["patternProperties"] = .object(["^x-": .object([:])])
    // Texts always encode.
    return (try? JSONCoder.encode(JSON.object(schema), .pretty)) ?? Data()
  }

  /// A place in the file, with what stands below it.
  private struct Node {
    var kind: SettingDeclaration.Kind?
    var isRequired = false
    /// A section without which there is nothing to read.
    var isOptional = false
    var children: [String: Node] = [:]

    /// Whether a file without it is incomplete.
    var isNeeded: Bool {
      isRequired || (kind == .section && !isOptional && children.values.contains(where: \.isNeeded))
    }

    mutating func add(_ declaration: SettingDeclaration, _ path: ArraySlice<String>) {
      guard let name = path.first else {
        // A section that turns out to have names or pairs is asked for as a section first.
        if kind == nil || kind == .section { kind = declaration.kind }
        isRequired = isRequired || declaration.isRequired
        return
      }
      children[name, default: Node()].add(declaration, path.dropFirst())
    }

    var schema: JSON {
      switch kind {
      case nil, .section: section(of: children)
      case .names: names
      case .pairs: object(more: ["additionalProperties": scalar])
      case .text, .value: scalar
      case .texts: .object(["anyOf": .list([scalar, list])])
      case .flag: orVariable(.object(["type": .text("boolean")]))
      case .number(let range):
        orVariable(
          .members([
            "type": .text("integer"), "minimum": .integer(range.lowerBound),
            "maximum": range.upperBound == .max ? nil : .integer(range.upperBound),
          ]))
      case .real(let range):
        orVariable(
          .object([
            "type": .text("number"), "minimum": .number(range.lowerBound),
            "maximum": .number(range.upperBound),
          ]))
      case .size: .object(["type": .list(["integer", "string", "null"].map { .text($0) })])
      case .choice(let names):
        orVariable(.object(["enum": .list(names.map { .text($0) })]))
      }
    }

    /// A plain value, which YAML may take for a number or a flag; an absent one is null.
    private var scalar: JSON {
      .object(["type": .list(["string", "number", "boolean", "null"].map { .text($0) })])
    }

    private var list: JSON { .object(["type": .text("array"), "items": scalar]) }

    /// A value, none, or what the environment says.
    private func orVariable(_ schema: JSON) -> JSON {
      let variable = JSON.object(["type": .text("string"), "pattern": .text(#"\$\{"#)])
      return .object(["anyOf": .list([schema, variable, .object(["type": .text("null")])])])
    }

    private func object(more: [String: JSON]) -> JSON {
      .object(more.merging(["type": .list([.text("object"), .text("null")])]) { old, _ in old })
    }

    private func section(of children: [String: Node]) -> JSON {
      let required = children.filter { $0.value.isNeeded }.keys.sorted()
      var properties = children.mapValues(\.schema)
      // The keys of another section, as YAML merges them.
      properties["<<"] = .object([:])
      return object(
        more: JSON.members([
          "properties": .object(properties), "additionalProperties": .flag(false),
          "required": required.isEmpty ? nil : .list(required.map { .text($0) }),
        ]).members ?? [:])
    }

    /// Each name is like the sample's, and those that are asked for by name, too.
    private var names: JSON {
      var named = children
      let any = named.removeValue(forKey: "any")
      return object(
        more: [
          "properties": .object(named.mapValues(\.schema)),
          "additionalProperties": any?.schema ?? scalar,
        ])
    }
  }
}

extension JSON {
  fileprivate var members: [String: JSON]? {
    if case .object(let members) = self { members } else { nil }
  }
}
