import Basics
import ArgumentParser
import Foundation
import LabelService
import LabelStore

struct Label: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the labelling service, or erase what it keeps.",
    discussion: """
      Without a subcommand, the service runs until SIGTERM or SIGINT.

      Example: sluice label --config /etc/sluice/sluice.yaml
      Example: sluice label erase --id c-1
      """,
    subcommands: [LabelServe.self, LabelErase.self], defaultSubcommand: LabelServe.self)
}

struct LabelServe: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Run the labelling service until SIGTERM or SIGINT.",
    discussion: """
      Reads exchanges and verdicts in a group of its own, samples some, asks the teacher of the
      section label for its opinion, publishes the labels and stores them for retraining. Estimates
      of the guard's recall and false-positive rate on live traffic are on the metrics page.

      Example: sluice label --config /etc/sluice/sluice.yaml
      """)

  @Option(name: .shortAndLong, help: "The settings file.")
  var config = "/etc/sluice/sluice.yaml"

  func run() async throws {
    let settings = try loadSettings(config)
    do {
      let environment = ProcessInfo.processInfo.environment
      try await LabelApplication(settings: settings, environment: environment).run()
    } catch {
      throw exitError(for: error)
    }
  }
}

struct LabelErase: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "erase", abstract: "Erase texts and their labels, wherever labels are kept.",
    discussion: """
      Publishes a tombstone for each content to label.topic, which every store follows, and erases
      the contents from label.store, if that file is on this host. A content is one text pair,
      whoever sent it: erasing a tenant also erases what others sent word for word.

      Where there is no store, contents are found by the labels in the topic alone, and those name
      only the first exchange of each content: run it where the store is. An exchange that is being
      labelled at this moment is missed; run it again after.

      Exit codes: 0 erased, or nothing there; 69 brokers, 70 the store fails after tombstones were
      published.

      Example: sudo -u sluice sluice label erase --tenant acme --dry-run
      Example: sluice label erase --config sluice.yaml --id c-1
      """)

  @Option(name: .shortAndLong, help: "The settings file.")
  var config = "/etc/sluice/sluice.yaml"

  @Option(help: "Erase every content that this exchange carried, by its identifier.")
  var id: String?

  @Option(help: "Erase every content that this tenant sent.")
  var tenant: String?

  @Option(help: "Erase the content with this SHA-256: 64 hexadecimal digits.")
  var digest: String?

  @Flag(help: "Look for contents and erase nothing.")
  var dryRun = false

  func validate() throws {
    let count = [id, tenant, digest].compactMap { $0 }.count
    if count != 1 { throw ValidationError("say one of --id, --tenant and --digest") }
    if digest != nil, Self.content(digest) == nil {
      throw ValidationError("--digest: expected 64 hexadecimal digits")
    }
  }

  func run() throws {
    let settings = try loadSettings(config)
    let erasure: Erasure
    if let content = Self.content(digest) {
      erasure = .content(content)
    } else if let id {
      erasure = .exchange(id)
    } else {
      erasure = .tenant(tenant ?? "")
    }
    do {
      let report = try LabelErasing(
        settings: settings, environment: ProcessInfo.processInfo.environment
      ).run(erasure, isDryRun: dryRun)
      show(report)
    } catch {
      throw exitError(for: error)
    }
  }

  private func show(_ report: LabelErasing.Report) {
    for digest in report.contents { StandardOutput.say("\(digest)") }
    let count = report.contents.count
    let (published, erased) = dryRun ? ("would be", "would be erased") : ("were", "were erased")
    printError(
      "\(count) \(count == 1 ? "tombstone" : "tombstones") \(published) published to "
        + report.topic)
    if let store = report.store {
      printError("\(report.stored) contents \(erased) from \(store)")
    } else {
      printError("there is no label store on this host")
    }
  }

  private static func content(_ digits: String?) -> ContentDigest? {
    digits.flatMap { ContentDigest(hexadecimal: $0) }
  }
}
