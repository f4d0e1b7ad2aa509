import ArgumentParser

/// Shows what becomes of exchanges while things fail, and what becomes of daemons in the long run.
@main
struct Chaos: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice-chaos",
    abstract: "Puts daemons to the test, and counts what was lost or repeated.",
    discussion: """
      Without a name of a test it is faults.

      Exit codes: 0 when all is well; 1 when something was lost, repeated, reordered or wrong, did
      not go on, or grew; 69 when the broker or the program cannot be run.

      Example: sluice-chaos --hold 8 --seed 7
      Example: sluice-chaos overload --seconds 600
      Example: sluice-chaos soak --seconds 3600
      """,
    subcommands: [FaultsCommand.self, OverloadCommand.self, SoakCommand.self],
    defaultSubcommand: FaultsCommand.self)
}
