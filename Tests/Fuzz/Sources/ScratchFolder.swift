import Foundation

/// A folder of this process in memory, for inputs that are read from files.
struct ScratchFolder {
  let path: String

  init(name: String = "input") throws {
    path = "/dev/shm/sluice-fuzz-\(getpid())/\(name)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  func write(_ bytes: [UInt8], to name: String) {
    guard let file = unsafe fopen(path + "/" + name, "w") else { return }
    unsafe bytes.withUnsafeBytes { unsafe _ = fwrite($0.baseAddress, 1, $0.count, file) }
    unsafe fclose(file)
  }
}
