import Foundation

/// The compiler in the environment of the test servers, and NVIDIA's headers.
package enum InstalledCompiler {
  private static let environment = ProcessInfo.processInfo.environment
  private static let venv =
    environment["SLUICE_TEST_VENV"] ?? SourceTree.url(".build/test-venv").path

  /// Whether tests that need the compiler are to be left out, which has to be asked for.
  package static var isSkipped: Bool { environment["SLUICE_SKIP_COMPILER"] == "1" }

  package static var libraryEnvironment: [String: String] { ["VIRTUAL_ENV": venv] }

  /// Where pip puts headers: `lib/python*/site-packages/nvidia/*/include`.
  package static var headerFolders: [String] {
    func children(_ folder: String) -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        .map { "\(folder)/\($0)" }
    }
    return children("\(venv)/lib").flatMap { children("\($0)/site-packages/nvidia") }
      .flatMap { ["\($0)/include", "\($0)/include/cccl"] }
      .filter { FileManager.default.fileExists(atPath: $0) }
  }
}
