import ArgumentParser
import FilterService
import Foundation
import Guard
import ModelRegistry
import Settings
internal import StrictJSON
import Tensors

struct Model: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Inspect a model, and keep its versions: look, promote, roll back, verify.",
    discussion: """
      A registry is a folder of versions, named by time and hash, with a link `current` to the
      champion and `previous` to the one before. The daemon follows `current` by itself.

      Example: sluice model list --models /var/lib/sluice/models
      """,
    subcommands: [
      ModelInspect.self, ModelList.self, ModelShow.self, ModelRegister.self, ModelPromote.self,
      ModelRollback.self, ModelVerify.self, ModelPrune.self, ModelConvert.self,
      ModelAverageCommand.self, ModelCompare.self,
    ])

  func run() throws { throw noCommand(Self.self) }
}

/// Where the registry is.
struct RegistryOptions: ParsableArguments {
  @Option(help: "The registry's folder.")
  var models = "/var/lib/sluice/models"

  var registry: ModelRegistry { ModelRegistry(path: models) }

  /// Who changes the registry, for its history.
  var user: String { NSUserName().isEmpty ? "user \(getuid())" : NSUserName() }

  /// A version by its name, `current` or `previous`.
  func version(_ name: String) throws -> ModelVersion {
    let version =
      switch name {
      case "current": registry.current
      case "previous": registry.previous
      default: ModelVersion(name)
      }
    guard let version else {
      throw RegistryError(.missing, name, "there is no such version in \(models)")
    }
    return version
  }
}

/// Runs a command's body and turns its error into an exit.
func exiting(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch {
    throw exitError(for: error)
  }
}

/// Prints a value as JSON on one line.
func printJSON(_ value: some Encodable) throws {
  StandardOutput.say(String(decoding: try JSONCoder.encode(value), as: UTF8.self))
}

struct ModelRegister: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "register",
    abstract: "Copy a model folder into the registry as a candidate, after a self-test.",
    discussion: "Example: sluice model register ./HarmAug-Guard --models models")

  @OptionGroup var options: RegistryOptions

  @Argument(help: "A model folder in Hugging Face's layout.")
  var folder: String

  @Option(help: "Why, for the history.")
  var reason = "registered by hand"

  func run() throws {
    try exiting {
      let model = try ModelLoader(settings: ModelSettings(path: folder), pool: WorkerPool()).load()
      var candidate = ModelCandidate(folder: folder, hash: model.hash)
      if let description = try ModelDescription.read(folder: folder) {
        candidate.description = description
      }
      let manifest = try options.registry.register(candidate, by: options.user, reason: reason)
      StandardOutput.say("\(manifest.version)")
    }
  }
}

struct ModelPromote: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "promote",
    abstract: "Make a version the champion, after its digests and a self-test.",
    discussion: """
      A daemon whose model.path is the registry's `current` takes it up within model.poll_seconds,
      or at once on SIGHUP (systemctl reload sluice).
      """)

  @OptionGroup var options: RegistryOptions

  @Argument(help: "The version.")
  var version: String

  @Option(help: "Why, for the history.")
  var reason = "promoted by hand"

  func run() throws {
    try exiting {
      let version = try options.version(version)
      _ = try options.registry.manifest(of: version)
      let settings = ModelSettings(path: options.registry.folder(of: version))
      _ = try ModelLoader(settings: settings, pool: WorkerPool()).load()
      try options.registry.promote(version, by: options.user, reason: reason)
      StandardOutput.say("\(version) is the champion")
    }
  }
}

struct ModelRollback: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback", abstract: "Make the champion before the champion again.")

  @OptionGroup var options: RegistryOptions

  @Option(help: "Why, for the history.")
  var reason = "rolled back by hand"

  func run() throws {
    try exiting {
      let version = try options.registry.rollback(by: options.user, reason: reason)
      StandardOutput.say("\(version) is the champion")
    }
  }
}

struct ModelPrune: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Remove the oldest versions, never the champion or the one before.")

  @OptionGroup var options: RegistryOptions

  @Option(help: "How many versions to keep.")
  var keep: Int

  func validate() throws {
    guard keep >= 0 else { throw ValidationError("--keep: expected a number of at least 0") }
  }

  func run() throws {
    try exiting {
      for version in try options.registry.prune(keep: keep, by: options.user) {
        StandardOutput.say("removed \(version)")
      }
    }
  }
}
