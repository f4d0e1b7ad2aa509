import CFuzzer
import Foundation

/// Feeds one kind of input (`SLUICE_FUZZ_INPUT`) to what reads it, under libFuzzer, whose options the
/// command line has.
@main
enum Fuzz {
  private static let input =
    FuzzedInput(rawValue: ProcessInfo.processInfo.environment["SLUICE_FUZZ_INPUT"] ?? "")
  private static let folder = try? ScratchFolder()

  static func main() {
    guard let input else {
      print(FuzzedInput.allCases.map(\.rawValue).joined(separator: "\n"))
      exit(64)
    }
    guard let folder else { fatalError("there is no room in /dev/shm") }
    _ = (input, folder)
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? =
      unsafe CommandLine.unsafeArgv
    let status = unsafe LLVMFuzzerRunDriver(&count, &arguments) { data, size in
      let bytes = unsafe [UInt8](UnsafeBufferPointer(start: data, count: size))
      if let input = Fuzz.input, let folder = Fuzz.folder { input.read(bytes, in: folder) }
      return 0
    }
    exit(status)
  }
}
