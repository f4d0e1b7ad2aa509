import ArgumentParser
import Foundation
import ModelRegistry
import Presentation
internal import StrictJSON

struct ModelList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show all versions, oldest first.")

  @OptionGroup var options: RegistryOptions

  @Flag(help: "One JSON object a line.")
  var json = false

  /// One version as JSON shows it.
  private struct Entry: Encodable {
    let version: String
    let current: Bool
    let previous: Bool
    let status: String
    let parent: String?
    let bytes: Int64
    let metrics: [String: JSON]
    let reasons: [String]
    let problem: String?
  }

  func run() throws {
    try exiting {
      let registry = options.registry
      let entries = try registry.versions().map { entry(of: $0, in: registry) }
      if json {
        for entry in entries { try printJSON(entry) }
        return
      }
      var table = TextTable(.words, header: ["VERSION", "STATUS", "SIZE", "PARENT", "REMARKS"])
      for entry in entries {
        let remarks = (entry.previous ? ["previous"] : []) + entry.reasons
        table.add([
          entry.version, entry.status, Self.size(entry.bytes), entry.parent ?? "-",
          (remarks + [entry.problem].compactMap(\.self)).joined(separator: "; "),
        ])
      }
      StandardOutput.say(table.text)
    }
  }

  private func entry(of version: ModelVersion, in registry: ModelRegistry) -> Entry {
    let isCurrent = version == registry.current
    let isPrevious = version == registry.previous
    do throws(RegistryError) {
      let manifest = try registry.manifest(of: version)
      return Entry(
        version: version.description, current: isCurrent, previous: isPrevious,
        status: manifest.status.rawValue, parent: manifest.description.parent?.description,
        bytes: manifest.files.values.reduce(0) { $0 + $1.bytes },
        metrics: manifest.description.metrics, reasons: manifest.reasons, problem: nil)
    } catch {
      return Entry(
        version: version.description, current: isCurrent, previous: isPrevious, status: "damaged",
        parent: nil, bytes: 0, metrics: [:], reasons: [], problem: error.problem)
    }
  }

  private static func size(_ bytes: Int64) -> String {
    bytes.formatted(.byteCount(style: .file))
  }
}

struct ModelShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show what is known of a version, and its history.")

  @OptionGroup var options: RegistryOptions

  @Argument(help: "The version, `current` or `previous`.")
  var version = "current"

  @Flag(help: "The manifest as one JSON object.")
  var json = false

  func run() throws {
    try exiting {
      let version = try options.version(version)
      let manifest = try options.registry.manifest(of: version)
      if json {
        try printJSON(manifest)
        return
      }
      StandardOutput.write(try manifest.json())
      var table = TextTable(.words, header: ["TIME", "ACTION", "BY", "BEFORE", "REASON"])
      let history = try options.registry.history()
        .filter { $0.version == version || $0.previous == version }
      guard !history.isEmpty else { return }
      for entry in history {
        let action = entry.version == version ? entry.action.rawValue : "replaced"
        let before = entry.version == version ? entry.previous : entry.version
        table.add([
          entry.time, action, entry.by, before?.description ?? "-", entry.reason,
        ])
      }
      StandardOutput.say("")
      StandardOutput.say(table.text)
    }
  }
}
