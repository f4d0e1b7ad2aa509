import Foundation

/// A folder with the emulator of Tests/CudaEmulator under the names of CUDA's libraries.
///
/// What it plays is set in the environment, which a whole process shares: tests that ask for
/// something special run one after the other.
package final class EmulatedCuda: Sendable {
  private let directory: TemporaryDirectory
  private let changed: [String]

  /// The libraries' folder, which also serves as a home for caches.
  package var path: String { directory.path }

  /// - Parameters:
  ///   - architecture: 75 for Turing, 80, and so on.
  ///   - memory: bytes of the device.
  ///   - launches: kernels after which the device fails.
  ///   - libraries: what is there, beside the driver.
  package init(
    architecture: Int? = nil, memory: Int? = nil, launches: Int? = nil,
    libraries: [String] = ["libnvrtc.so.13"]
  ) throws {
    directory = try TemporaryDirectory()
    let library = SourceTree.product("libcuda-emulator.so").path
    for name in ["libcuda.so.1"] + libraries {
      try FileManager.default.createSymbolicLink(
        atPath: directory.path + "/" + name, withDestinationPath: library)
    }
    let settings = [
      "SLUICE_EMULATOR_ARCHITECTURE": architecture, "SLUICE_EMULATOR_MEMORY": memory,
      "SLUICE_EMULATOR_LAUNCHES": launches,
    ].compactMapValues { $0 }
    for (name, value) in settings { unsafe setenv(name, "\(value)", 1) }
    changed = Array(settings.keys)
  }

  deinit { for name in changed { unsafe unsetenv(name) } }
}
