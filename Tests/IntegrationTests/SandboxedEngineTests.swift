import Foundation
import TestSupport
import Testing

/// The engine where no memory becomes executable, as under the units' `MemoryDenyWriteExecute=`:
/// its kernels are compiled ahead.
@Suite struct SandboxedEngineTests {
  /// Denies it to itself as systemd does where the kernel can (`PR_SET_MDWE`, Linux 6.3), then
  /// becomes the program; ends with 77 where the kernel cannot, with 78 where it does not mean it.
  private static let launcher = """
    import ctypes, mmap, os, sys
    if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0: sys.exit(77)
    try:
        mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        sys.exit(78)
    except OSError:
        os.execv(sys.argv[1], sys.argv[1:])
    """

  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func classify(
    _ precision: String, isSandboxed: Bool
  ) throws -> (ending: ChildProcess.Ending?, output: String) {
    let output = directory.path + "/\(precision)-\(isSandboxed)"
    let command = [DaemonProcess.program, "classify", "--threads", "2", "--precision", precision]
    let launcher = isSandboxed ? [try TestProgram.path("python3"), "-c", Self.launcher] : []
    let ending = try ChildProcess(
      "/bin/bash",
      ["-c", #"exec "$@" < "$0""#, directory.path + "/input.jsonl"] + launcher + command,
      output: output
    ).wait(within: .seconds(60))
    return (ending, try String(contentsOfFile: output, encoding: .utf8))
  }

  private func scores(_ output: String) throws -> [Double] {
    try output.split(separator: "\n").filter { $0.hasPrefix("{") }.map { line in
      let verdict = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return try #require(verdict?["score"] as? Double)
    }
  }

  @Test(arguments: ["auto", "fp32", "bf16", "int8"])
  func scoresAreThoseOutside(precision: String) throws {
    let texts = (1...8).map { String(repeating: "How do I bake bread? ", count: $0 * $0) }
    let lines = texts.map { #"{"id": "x", "prompt": "\#($0)"}"# }
    try Data(lines.joined(separator: "\n").utf8).write(
      to: URL(filePath: directory.path + "/input.jsonl"))
    let outside = try classify(precision, isSandboxed: false)
    let inside = try classify(precision, isSandboxed: true)
    if inside.ending == .exited(77) { return }
    #expect(inside.ending == outside.ending, "\(inside.output)")
    #expect(try scores(inside.output) == scores(outside.output))
    #expect(try scores(inside.output).count == (inside.ending == .exited(0) ? texts.count : 0))
    // Where the processor has no instructions for it, both say so.
    if precision == "auto" || precision == "fp32" { #expect(outside.ending == .exited(0)) }
  }
}
