import Foundation

/// The compiler in the environment of the test servers.
package enum InstalledCompiler {
  private static let environment = ProcessInfo.processInfo.environment

  /// Whether tests that need the compiler are to be left out, which has to be asked for.
  package static var isSkipped: Bool { environment["SLUICE_SKIP_COMPILER"] == "1" }

  package static var libraryEnvironment: [String: String] {
    let venv = environment["SLUICE_TEST_VENV"] ?? SourceTree.url(".build/test-venv").path
    return ["VIRTUAL_ENV": venv]
  }
}
