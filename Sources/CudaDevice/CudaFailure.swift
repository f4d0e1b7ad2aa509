/// Why CUDA cannot be used.
package enum CudaFailure: Error, Hashable, Sendable {
  /// A library is nowhere to be found; the places tried, with the loader's words.
  case missing(library: String, tried: [String])
  /// A library lacks a function: it is too old, or another library of that name.
  case incomplete(path: String, function: String)
  /// A function of a library failed, in the library's own words.
  case failed(function: String, reason: String)
  /// The driver offers no device of that number; how many it offers.
  case noDevice(ordinal: Int, count: Int)
  /// The device, or the engine on it, does not compute what is asked.
  case unsupported(reason: String)
  /// The device has not as much memory.
  case outOfMemory(bytes: Int)
  /// The host can keep no more of its memory in place for devices.
  case outOfPinnedMemory(bytes: Int)
  /// A kernel does not compile; the compiler's log.
  case compilation(name: String, architecture: String, log: String)
}

extension CudaFailure {
  /// Whether less might fit.
  package var isForWantOfMemory: Bool {
    switch self {
    case .outOfMemory, .outOfPinnedMemory: true
    default: false
    }
  }
}

extension CudaFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .missing(let library, let tried):
      "\(library) was not found" + tried.map { "\n  \($0)" }.joined()
    case .incomplete(let path, let function): "\(path): has no function \(function)"
    case .failed(let function, let reason): "\(function): \(reason)"
    case .noDevice(let ordinal, let count):
      count == 0
        ? "the driver offers no GPU" : "there is no cuda:\(ordinal); the driver offers \(count)"
    case .unsupported(let reason): "the GPU engine does not compute \(reason)"
    case .outOfMemory(let bytes):
      "the GPU has no \((bytes + (1 << 20) - 1) >> 20) MiB of memory left"
    case .outOfPinnedMemory(let bytes):
      "the host has no \((bytes + (1 << 20) - 1) >> 20) MiB left that the GPU could copy from"
    case .compilation(let name, let architecture, let log):
      "\(name) does not compile for \(architecture):\n\(log)"
    }
  }
}
