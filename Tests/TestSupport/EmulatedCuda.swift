import Foundation

/// A folder with the emulator of Tests/CudaEmulator under the names of CUDA's libraries.
///
/// What it plays is set in the environment, which a whole process shares: only one thread has any
/// at a time. Tests hold theirs as long as it matters, and stay on their thread.
package final class EmulatedCuda: Sendable {
  private static let turns = NSRecursiveLock()
  private let directory: TemporaryDirectory
  private let changed: [String]

  /// The libraries' folder, which also serves as a home for caches.
  package var path: String { directory.path }

  /// - Parameters:
  ///   - architecture: 75 for Turing, 80, and so on.
  ///   - memory: bytes of the device.
  ///   - launches: kernels after which the device fails.
  ///   - graphs: the step at which recorded work goes wrong (Tests/CudaEmulator/Machine.hpp).
  ///   - libraries: what is there, beside the driver.
  ///   - more: other numbers that it plays, by the end of their names: `DRIVER` (13000), `PINNED`
  ///     (bytes that a batch may have of the host's memory), `REFUSED_LAUNCH` (the first is 1), `REFUSED_PRODUCTS`
  ///     (the generation of a library that does not start).
  package init(
    architecture: Int? = nil, memory: Int? = nil, launches: Int? = nil, graphs: String? = nil,
    libraries: [String] = ["libnvrtc.so.13"], more: [String: Int] = [:]
  ) throws {
    directory = try TemporaryDirectory()
    let library = SourceTree.product("libcuda-emulator.so").path
    for name in ["libcuda.so.1"] + libraries {
      try FileManager.default.createSymbolicLink(
        atPath: directory.path + "/" + name, withDestinationPath: library)
    }
    Self.turns.lock()
    let numbers = [
      "SLUICE_EMULATOR_ARCHITECTURE": architecture, "SLUICE_EMULATOR_MEMORY": memory,
      "SLUICE_EMULATOR_LAUNCHES": launches,
    ]
    var settings = numbers.compactMapValues { $0.map(String.init) }
    settings["SLUICE_EMULATOR_GRAPHS"] = graphs
    for (name, number) in more { settings["SLUICE_EMULATOR_" + name] = String(number) }
    settings["SLUICE_EMULATOR_JOURNAL"] = directory.path + "/journal"
    for (name, value) in settings { unsafe setenv(name, value, 1) }
    changed = Array(settings.keys)
  }

  /// What became of work since the last question, a line for each pass: `launched`, `recorded` or
  /// `replayed`; the stream; the blocks of the first kernel, or the graph. Waits are `spun` or
  /// `slept`, and a library that starts is `products` with its generation.
  package func takeJournal() -> [(what: String, stream: String, number: String)] {
    let path = directory.path + "/journal"
    defer { try? FileManager.default.removeItem(atPath: path) }
    return directory.text(of: "journal").split(separator: "\n").map { line in
      let words = line.split(separator: " ").map(String.init)
      return (words[0], words[1], words[2])
    }
  }

  deinit {
    for name in changed { unsafe unsetenv(name) }
    Self.turns.unlock()
  }
}
