import ArgumentParser
import FilterService
import Foundation

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the filter daemon until SIGTERM or SIGINT.",
    discussion: """
      Example: sluice serve --config /etc/sluice/sluice.yaml

      Under systemd it reports readiness once the model is warm and the group has given it its
      partitions, and feeds the watchdog only while it makes progress. On SIGTERM it finishes what
      is judged, commits, gives its partitions back and leaves.
      """)

  @Option(name: .shortAndLong, help: "The settings file.")
  var config = "/etc/sluice/sluice.yaml"

  func run() async throws {
    let settings = try loadSettings(config)
    do {
      let environment = ProcessInfo.processInfo.environment
      try await FilterApplication(settings: settings, file: config, environment: environment).run()
    } catch {
      throw exitError(for: error)
    }
  }
}
