internal import Foundation
internal import FoundationNetworking
internal import Glibc

/// llama.cpp's HTTP server with a small real model, in a process of its own.
///
/// `Tests/Fixtures/install_test_servers.sh` installs both. The process ends with this object.
package final class LanguageModelServer {
  /// Why there is no server.
  package struct StartError: Error, CustomStringConvertible {
    package let description: String
  }

  /// The name under which the server lists its model.
  package static let model = "smollm2"

  /// The address, such as `http://127.0.0.1:8080`.
  package let url: String
  private let directory: TemporaryDirectory
  private let process: ChildProcess

  /// Whether tests that need the server are to be left out, which has to be asked for.
  package static var isSkipped: Bool { variable("SLUICE_SKIP_LANGUAGE_MODEL") == "1" }

  /// Starts the server and waits until its model answers.
  ///
  /// - Parameters:
  ///   - parallel: requests that it answers at a time.
  ///   - apiKey: the key that it asks for; empty for none.
  package init(
    parallel: Int = 2, apiKey: String = "", within limit: Duration = .seconds(120)
  ) async throws {
    var arguments = [
      SourceTree.url("Tests/Fixtures/language_model_server.py").path, "--port", "0", "--parallel",
      "\(parallel)", "--alias", Self.model,
    ]
    if !apiKey.isEmpty { arguments += ["--api-key", apiKey] }
    directory = try TemporaryDirectory()
    process = try ChildProcess(
      TestProgram.path("python3"), arguments,
      // Waiting threads that spin would take the cores from the test itself.
      environment: ["OMP_WAIT_POLICY": "passive"], output: "\(directory.path)/address",
      // The library writes its log while the address is printed: in one file lines got mixed.
      error: "\(directory.path)/log")
    url = try await Self.address(of: process, directory, within: limit)
  }

  /// Ends exactly this server.
  package func stop() { process.kill() }

  deinit { stop() }

  private static func address(
    of process: ChildProcess, _ directory: TemporaryDirectory, within limit: Duration
  ) async throws -> String {
    let end = ContinuousClock.now + limit
    while process.isRunning, ContinuousClock.now < end {
      let text = directory.text(of: "address")
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      // Only a line that has its end is whole.
      if let url = lines.dropLast().first(where: { $0.hasPrefix("http://") }).map(String.init),
        await isHealthy(url)
      {
        return url
      }
      try await Task.sleep(for: .milliseconds(50))
    }
    let log = directory.text(of: "log").suffix(2000)
    throw StartError(description: "the language model server did not start: \(log)")
  }

  private static func isHealthy(_ url: String) async -> Bool {
    guard let health = URL(string: url + "/health"),
      let (_, response) = try? await URLSession.shared.data(from: health)
    else { return false }
    return (response as? HTTPURLResponse)?.statusCode == 200
  }

  private static func variable(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
  }
}
