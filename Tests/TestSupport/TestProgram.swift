internal import FoundationEssentials
internal import Glibc

/// Programs that `Tests/Fixtures/install_test_servers.sh` installs.
package enum TestProgram {
  struct Missing: Error, CustomStringConvertible {
    let description: String
  }

  /// The path of a program, such as `python3`.
  package static func path(_ name: String) throws -> String {
    let venv =
      unsafe getenv("SLUICE_TEST_VENV").map { unsafe String(cString: $0) }
      ?? SourceTree.url(".build/test-venv").path
    let path = "\(venv)/bin/\(name)"
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw Missing(
        description: "\(path) is missing: run Tests/Fixtures/install_test_servers.sh")
    }
    return path
  }
}
