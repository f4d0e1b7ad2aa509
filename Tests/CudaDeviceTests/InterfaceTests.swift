import Foundation
import TestSupport
import Testing

/// What CCuda declares of CUDA's libraries, against NVIDIA's own headers.
///
/// `Tests/Fixtures/install_test_servers.sh` installs those of the driver and of NVRTC. Those of
/// cuBLASLt are part of a package of half a gigabyte, and are checked where somebody installed it
/// into the same environment (`nvidia-cublas`, `nvidia-cuda-crt`, `nvidia-cuda-cccl`).
@Suite(.enabled(if: !InstalledCompiler.isSkipped)) struct InterfaceTests {
  @Test func everyFunctionAndNumberIsNVIDIAs() throws {
    let bindings = try Self.bindings()
    #expect(bindings.count > 50)
    let (ending, output) = try Self.compile(bindings)
    #expect(ending == .exited(0), "\(output)")
  }

  /// The check would notice: one function stands in another one's place.
  @Test func aWrongFunctionDoesNotCompile() throws {
    var bindings = try Self.bindings()
    let place = try #require(bindings.firstIndex { $0.function == "cuMemAlloc_v2" })
    bindings[place].member = "finish_stream"
    let (ending, output) = try Self.compile(bindings)
    #expect(ending != .exited(0))
    #expect(output.contains("ccuda_driver.finish_stream is not cuMemAlloc_v2"), "\(output)")
  }

  private struct Binding {
    let table: String
    var member: String
    let function: String
  }

  /// The functions that the loader puts into its tables.
  private static func bindings() throws -> [Binding] {
    let source = try String(
      contentsOf: SourceTree.url("Sources/CCuda/loader.c"), encoding: .utf8)
    var table = ""
    var bindings: [Binding] = []
    for line in source.split(separator: "\n") {
      if let match = line.firstMatch(of: /ccuda_bind_(\w+)\(/) { table = "ccuda_\(match.1)" }
      if let match = line.firstMatch(of: /BIND\((\w+), "(\w+)"\)/) {
        bindings.append(
          Binding(table: table, member: String(match.1), function: String(match.2)))
      }
    }
    return bindings
  }

  private static func compile(
    _ bindings: [Binding]
  ) throws -> (ending: ChildProcess.Ending?, output: String) {
    let directory = try TemporaryDirectory()
    let lines = bindings.map { binding in
      let line = "BOUND(\(binding.table), \(binding.member), \(binding.function))"
      return binding.table == "ccuda_products" ? "#ifdef HAS_CUBLASLT\n\(line)\n#endif" : line
    }
    try Data((lines.joined(separator: "\n") + "\n").utf8)
      .write(to: URL(filePath: directory.path + "/bindings.inc"))
    let folders =
      [SourceTree.url("Sources/CCuda/include").path, directory.path]
      + InstalledCompiler.headerFolders
    // The compiler that comes with Swift.
    let child = try ChildProcess(
      "/usr/bin/env",
      ["clang++", "-std=c++17", "-fsyntax-only", "-w"] + folders.flatMap { ["-I", $0] }
        + [SourceTree.url("Tests/Fixtures/cuda_interface.cpp").path],
      output: directory.path + "/output")
    let ending = child.wait(within: .seconds(60))
    return (ending, try String(contentsOfFile: directory.path + "/output", encoding: .utf8))
  }
}
